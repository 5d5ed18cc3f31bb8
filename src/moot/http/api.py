"""The API as an ASGI application: judge a request, run its operation, send its answer.

The order is the cheapest refusal first: name of the server, rate of the address, origin of the
page, route, who asks, rate of the person, size, shape. What was refused has changed nothing.
"""

from __future__ import annotations

from typing import Any, Final

from moot.errors import Problem
from moot.gate.limits import ADDRESS, GUESTS, PERSON
from moot.http.answer import Answer
from moot.http.asking import meeting_id
from moot.http.edge import Edge
from moot.http.headers import API, Headers
from moot.http.operation import Operation, Router, parameters
from moot.http.problems import problem_answer
from moot.http.request import (
    Request,
    decode_body,
    decode_query,
    read_body,
    read_headers,
    read_path,
    read_sender,
)
from moot.persons.bearer import bearer_token
from moot.persons.guest import cookie_value, forget_cookie

Scope = dict[str, Any]

_CORS_METHODS: Final = b"GET, HEAD, PUT, POST, PATCH, DELETE"
_CORS_HEADERS: Final = (
    b"authorization, content-type, idempotency-key, if-match, if-none-match, "
    b"moot-connection, moot-fence"
)
_CORS_EXPOSED: Final = b"etag, location, retry-after"
_OUTSIDE: Final = frozenset({"look_at_meeting", "join", "knock"})
_TELLING: Final = frozenset({"meeting_not_found", "not_in_meeting", "participant_not_found"})
_UNCHANGING: Final = ("GET", "HEAD", "OPTIONS")


class Api:
    """Answers every request below `/api/`, and the server's own pages for machines.

    Args:
        edge: what the handlers work with.
        operations: the table of routes.
    """

    def __init__(self, edge: Edge, operations: list[Operation]) -> None:
        self._edge = edge
        self._router = Router(operations)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer one request (ASGI, HTTP)."""
        edge = self._edge
        started = edge.monotonic()
        request: Request | None = None
        headers = read_headers(scope["headers"])
        label = "none"
        try:
            answer, request, label = await self._judge(scope, receive, headers)
        except Problem as problem:
            answer = problem_answer(problem)
            if problem.kind.id == "token_invalid" and "authorization" not in headers:
                # A browser cannot take an HttpOnly cookie away itself; it would be locked out.
                gone = forget_cookie(is_secure=scope["scheme"] in ("https", "wss"))
                answer = problem_answer(problem, (b"set-cookie", gone.encode()))
        except Exception:
            edge.log.exception("Request failed", path_operation=label)
            answer = problem_answer(Problem("internal"))
        extra = self._cors(headers, scope)
        if request is not None and request.cookie is not None:
            extra = (*extra, (b"set-cookie", request.cookie.encode()))
        await _send(send, answer, extra, is_head=scope["method"] == "HEAD")
        edge.observe(label, answer.status, edge.monotonic() - started)

    async def _judge(
        self, scope: Scope, receive: Any, headers: dict[str, str]
    ) -> tuple[Answer, Request | None, str]:
        edge = self._edge
        peer = scope["client"][0] if scope["client"] else ""
        address = edge.proxies.origin_address(peer, [headers.get("x-forwarded-for", "")])
        own = self._own(scope, headers, peer)
        edge.limits.take(ADDRESS, address)
        method = scope["method"]
        origin = headers.get("origin")
        is_allowed = origin is None or edge.origins.allows(origin, own)
        if method not in _UNCHANGING and not is_allowed:
            raise Problem("origin_forbidden")
        parts = read_path(scope["raw_path"])
        methods = self._router.find(parts)
        if methods is None:
            raise Problem("route_not_found")
        if method == "OPTIONS":
            return _options(methods, headers), None, "options"
        operation = methods.get("GET" if method == "HEAD" else method)
        if operation is None:
            allow = (b"allow", _allow(methods))
            return problem_answer(Problem("method_not_allowed"), allow), None, "none"
        request = Request(
            operation,
            parameters=parameters(operation, parts),
            headers=headers,
            address=address,
            own=own,
        )
        try:
            await self._prepare(request, scope, receive)
            answer = await self._run(request)
        except Problem as problem:
            if problem.kind.id == "token_invalid":
                raise
            answer = problem_answer(problem)
        except Exception:
            edge.log.exception("Request failed", operation=operation.id)
            answer = problem_answer(Problem("internal"))
        return answer, request, operation.id

    async def _run(self, request: Request) -> Answer:
        """Run the operation; who asks for too many Meeting IDs that nobody has started is refused.

        Looking, joining and knocking are refused outright. The rest is for people who are in, whom
        a guessing neighbour must not disturb: only what would tell them apart is taken away.
        """
        edge, operation = self._edge, request.operation
        if "meeting_id" not in request.parameters:
            return await operation.handler(edge, request)
        keys = [request.address] + ([request.asker.id] if request.asker else [])
        if operation.id in _OUTSIDE:
            edge.limits.check_guesses(*keys)
        try:
            return await operation.handler(edge, request)
        except Problem as problem:
            if problem.kind.id in _TELLING:
                edge.limits.check_guesses(*keys)
            if problem.kind.id == "meeting_not_found":
                edge.limits.charge_guess(meeting_id(request), *keys)
            raise

    def _own(self, scope: Scope, headers: dict[str, str], peer: str) -> str:
        edge = self._edge
        told = headers.get("x-forwarded-proto", "")
        scheme = edge.proxies.scheme(peer, scope["scheme"], told)
        own = edge.origins.own(scheme, headers.get("host", ""))
        if own is None:
            raise Problem("host_unknown")
        return own

    async def _prepare(self, request: Request, scope: Scope, receive: Any) -> None:
        """Find out who asks, then read and decode what was sent."""
        operation = request.operation
        await self._ask(request)
        if request.asker is not None:
            self._edge.limits.take(PERSON, request.asker.id)
        elif operation.asking == "known":
            raise Problem("not_authenticated")
        request.query = decode_query(operation, scope["query_string"])
        if operation.takes_connection:
            request.sender = read_sender(request.headers)
        if operation.method != "GET":
            limit = self._edge.config.max_body_bytes
            content = await read_body(receive, request.headers, limit)
            request.body = decode_body(operation, request.headers, content)
        if request.asker is None and operation.asking == "made":
            # Only now: a request that cannot be read makes no guest.
            self._edge.limits.take(GUESTS, request.address)
            request.asker = self._edge.guests.new()
            self._remember(request)

    async def _ask(self, request: Request) -> None:
        """Judge the bearer token, or else the cookie (PERSON-2)."""
        if request.operation.asking == "nobody":
            return
        edge = self._edge
        authorization = request.headers.get("authorization")
        if authorization is not None:
            token = bearer_token(authorization)
            if token is None:
                raise Problem("token_invalid")
            request.asker = await edge.bearers.read(token)
            return
        cookie = cookie_value(request.headers.get("cookie", ""))
        if cookie is None:
            return
        guest = edge.guests.read(cookie, now_s=edge.now_s())
        request.asker = guest.person
        if guest.is_due and request.operation.method != "GET":
            self._remember(request)

    def _remember(self, request: Request) -> None:
        edge = self._edge
        request.cookie = edge.guests.write(
            request.person, now_s=edge.now_s(), is_secure=request.is_secure
        )

    def _cors(self, headers: dict[str, str], scope: Scope) -> Headers:
        """Let an allowed page on another origin read the answer (Fetch §3.2)."""
        origin = headers.get("origin")
        if origin is None or not self._edge.origins.is_foreign(origin):
            return ()
        shared = (
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", _CORS_EXPOSED),
            (b"vary", b"Origin"),
        )
        if scope["method"] != "OPTIONS":
            return shared
        return (
            *shared,
            (b"access-control-allow-methods", _CORS_METHODS),
            (b"access-control-allow-headers", _CORS_HEADERS),
            (b"access-control-max-age", b"600"),
        )


async def _send(send: Any, answer: Answer, extra: Headers, *, is_head: bool) -> None:
    content = answer.encode()
    headers = []
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(len(content)).encode()))
    if content:
        headers.append((b"content-type", answer.content_type))
    names = {name for name, _ in answer.headers}
    headers += [header for header in API if header[0] not in names]
    if b"cache-control" not in names:
        headers.append((b"cache-control", b"no-store"))
    headers += answer.headers
    headers += extra
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_head else content})


def _allow(methods: Any) -> bytes:
    names = set(methods) | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    return ", ".join(sorted(names)).encode()


def _options(methods: Any, headers: dict[str, str]) -> Answer:
    if "access-control-request-method" in headers:
        return Answer(204)
    return Answer(204, headers=((b"allow", _allow(methods)),))
