"""A whole API without a socket: the real rooms below it on a store in memory."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jwt
import structlog

from moot.bus.local import LocalBus
from moot.config import Config
from moot.control.context import Control
from moot.gate.address import Proxies
from moot.gate.limits import Limits
from moot.gate.origin import Origins
from moot.http.api import Api
from moot.http.edge import Edge
from moot.http.routes import operations
from moot.media.fake import FakeMediaEngine
from moot.metrics import Metrics
from moot.persons.bearer import Bearers
from moot.persons.connection import ConnectionTokens
from moot.persons.guest import GuestCookies
from moot.persons.sign import Signer
from moot.store.memory import MemoryStore

OWN_KEY = "the key of an embedding program, 32+ chars"
OPERATIONS = operations("0.test")


class Reply:
    """One answer, read."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        self.status = status
        self.headers = {name.decode(): value.decode() for name, value in headers}
        self.content = content

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        return str(self.json["code"])


class World:
    """The API, its settings and one browser's cookie after another."""

    def __init__(self, **settings: Any) -> None:
        self.config = Config(data=Path("/nonexistent"), **settings)
        self.now = 1_800_000_000.0
        self.passed = 0.0
        self.is_draining = False
        self.metrics = Metrics("0.test")
        self.store = MemoryStore()
        self.media = FakeMediaEngine()
        self.control = Control(
            store=self.store, bus=LocalBus(), media=self.media, config=self.config
        )
        self.tokens = ConnectionTokens(Signer("connection", [b"c" * 32]))
        self.guests = GuestCookies(Signer("guest", [b"g" * 32]), os.urandom)
        self.edge = Edge(
            config=self.config,
            control=self.control,
            guests=self.guests,
            bearers=Bearers(
                own_key=OWN_KEY, issuer=None, audience=None, keys=None, now_s=lambda: self.now
            ),
            tokens=self.tokens,
            origins=Origins(self.config.public_url, self.config.allowed_origins, ()),
            proxies=Proxies(self.config.trusted_proxies),
            limits=Limits(is_on=self.config.rate_limits, monotonic=lambda: self.passed),
            now_s=lambda: self.now,
            monotonic=lambda: self.passed,
            is_draining=lambda: self.is_draining,
            exposition=self.metrics.exposition,
            observe=self.metrics.observe,
            log=structlog.get_logger(),
            version="0.test",
        )
        self.api = Api(self.edge, OPERATIONS)

    async def open(self) -> World:
        await self.store.open()
        await self.media.start()
        return self

    def bearer(self, subject: str) -> dict[str, str]:
        """Headers of an account."""
        claims = {"sub": subject, "exp": self.now + 600}
        return {"authorization": "Bearer " + jwt.encode(claims, OWN_KEY, "HS256")}

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        peer: str = "127.0.0.1",
        **headers: str,
    ) -> Reply:
        """Send one request; headers in keywords, with underscores for hyphens."""
        raw, _, query = path.partition("?")
        given = {"host": "localhost:3000"} | {
            name.replace("_", "-").lower(): value for name, value in headers.items()
        }
        if body is not None:
            content = json.dumps(body).encode()
            given.setdefault("content-type", "application/json")
        if content is not None:
            given.setdefault("content-length", str(len(content)))
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": raw,
            "raw_path": raw.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [(n.encode(), v.encode("latin-1")) for n, v in given.items() if v],
            "client": (peer, 5555),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content or b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.api(scope, receive, send)
        return Reply(sent[0]["status"], sent[0]["headers"], sent[1]["body"])
