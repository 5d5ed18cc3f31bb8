"""What the server says of itself: health, metrics, the page's settings, errors and documents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from moot.control.reactions import EMOJI
from moot.errors import PROBLEMS, Problem
from moot.gate.address import is_loopback
from moot.http import shapes
from moot.http.answer import Answer, ok
from moot.http.edge import Edge
from moot.http.headers import DOCS
from moot.http.openapi import document
from moot.http.operation import Operation, Shown
from moot.http.problems import ProblemExplained, explain
from moot.http.readable import STYLE, readable
from moot.http.request import Request

LANGUAGES: Final = ("en", "de", "fr", "es", "ar")
_READY_TIMEOUT_S: Final = 3.0
_CACHED: Final = ((b"cache-control", b"public, max-age=300"),)


class MediaNeeds(msgspec.Struct, frozen=True):
    """What the media engine needs of the page."""

    needs_secure_origin: bool
    """Whether browsers withhold camera and microphone on the address that was asked."""


class ServerLimits(msgspec.Struct, frozen=True):
    """What the server takes at most."""

    max_participants: int
    name_characters: int
    message_characters: int
    body_bytes: int


class PageConfig(msgspec.Struct, frozen=True):
    """What the page needs to know before anybody joins."""

    version: str
    media: MediaNeeds
    linger_s: float
    limits: ServerLimits
    languages: Sequence[str]
    emoji: Sequence[str]


async def _livez(_: Edge, __: Request) -> Answer:
    return ok(shapes.Health("ok"))


async def _readyz(edge: Edge, _: Request) -> Answer:
    reasons: list[str] = []
    if edge.is_draining():
        reasons.append(PROBLEMS["restarting"].sentence)
    try:
        async with asyncio.timeout(_READY_TIMEOUT_S):
            await edge.control.store.check()
    except (Problem, TimeoutError):
        reasons.append(PROBLEMS["unavailable"].sentence)
    media = await edge.control.media.status()
    if not media.is_ready:
        reasons.append(media.sentence)
    if reasons:
        return Answer(503, shapes.Health("unready", reasons), ((b"retry-after", b"1"),))
    return ok(shapes.Health("ok"))


async def _metrics(edge: Edge, request: Request) -> Answer:
    allowed = edge.config.metrics
    if allowed == "off" or (allowed == "local" and not is_loopback(request.address)):
        raise Problem("route_not_found")
    return Answer(200, edge.exposition(), content_type=b"text/plain; version=0.0.4; charset=utf-8")


async def _config(edge: Edge, request: Request) -> Answer:
    config = edge.config
    return ok(
        PageConfig(
            version=edge.version,
            media=MediaNeeds(needs_secure_origin=not _is_trustworthy(request.own)),
            linger_s=config.linger_s,
            limits=ServerLimits(
                max_participants=config.max_participants,
                name_characters=80,
                message_characters=4_000,
                body_bytes=config.max_body_bytes,
            ),
            languages=LANGUAGES,
            emoji=EMOJI,
        )
    )


def _is_trustworthy(own: str) -> bool:
    """Whether browsers give this origin camera and microphone (Secure Contexts §3.1)."""
    scheme, _, rest = own.partition("://")
    name = rest.rpartition(":")[0] if rest.rpartition("]")[2].count(":") else rest
    return (
        scheme == "https" or name == "localhost" or name.endswith(".localhost") or is_loopback(name)
    )


async def _problem(_: Edge, request: Request) -> Answer:
    kind = PROBLEMS.get(request.parameters["code"])
    if kind is None:
        raise Problem("route_not_found")
    return ok(explain(kind), *_CACHED)


def operations_of_server(version: str, others: list[Operation]) -> list[Operation]:
    """Make the server's own operations; the documents describe them and the `others`."""
    documents: dict[str, bytes] = {}

    async def openapi(_: Edge, __: Request) -> Answer:
        return Answer(200, documents["json"], _CACHED)

    async def docs(_: Edge, __: Request) -> Answer:
        return Answer(200, documents["html"], DOCS, b"text/html; charset=utf-8")

    async def style(_: Edge, __: Request) -> Answer:
        return Answer(200, STYLE.encode(), _CACHED, b"text/css; charset=utf-8")

    own = [
        Operation(
            id="livez",
            method="GET",
            path="/livez",
            tag="Server",
            summary="Answer while the process runs; asks neither the database nor anything else.",
            handler=_livez,
            asking="nobody",
            answers={200: Shown(shapes.Health, "It runs.")},
        ),
        Operation(
            id="readyz",
            method="GET",
            path="/readyz",
            tag="Server",
            summary="Say whether requests can be served now.",
            handler=_readyz,
            asking="nobody",
            answers={
                200: Shown(shapes.Health, "They can."),
                503: Shown(shapes.Health, "They cannot, for the reasons given."),
            },
        ),
        Operation(
            id="metrics",
            method="GET",
            path="/metrics",
            tag="Server",
            summary="Figures of this process, for Prometheus.",
            handler=_metrics,
            asking="nobody",
            answers={200: Shown("text", "The exposition format.", (), "text/plain")},
            problems=("route_not_found",),
        ),
        Operation(
            id="read_config",
            method="GET",
            path="/api/v1/config",
            tag="Server",
            summary="Read what a page needs to know before anybody joins.",
            handler=_config,
            asking="nobody",
            answers={200: Shown(PageConfig, "The server's settings that clients see.")},
        ),
        Operation(
            id="explain_problem",
            method="GET",
            path="/api/v1/problems/{code}",
            tag="Server",
            summary="Explain an error.",
            handler=_problem,
            asking="nobody",
            answers={200: Shown(ProblemExplained, "The error's row of the table.")},
            problems=("route_not_found",),
        ),
        Operation(
            id="openapi",
            method="GET",
            path="/api/v1/openapi.json",
            tag="Server",
            summary="Read this description.",
            handler=openapi,
            asking="nobody",
            answers={200: Shown(dict, "OpenAPI 3.1.")},
        ),
        Operation(
            id="docs",
            method="GET",
            path="/api/v1/docs",
            tag="Server",
            summary="Read this description as a page.",
            handler=docs,
            asking="nobody",
            answers={200: Shown("html", "The same, for people.", (), "text/html")},
        ),
        Operation(
            id="docs_style",
            method="GET",
            path="/api/v1/docs.css",
            tag="Server",
            summary="The look of that page.",
            handler=style,
            asking="nobody",
            answers={200: Shown("css", "A style sheet.", (), "text/css")},
        ),
    ]
    described = document([*others, *own], version)
    documents["json"] = msgspec.json.encode(described)
    documents["html"] = readable(described).encode()
    return own
