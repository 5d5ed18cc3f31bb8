"""An operation: one row of the table of routes, from which both the router and OpenAPI are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from moot.http.answer import Answer
    from moot.http.edge import Edge
    from moot.http.request import Request

Handler = Callable[["Edge", "Request"], Awaitable["Answer"]]
Asking = Literal["nobody", "anybody", "known", "made"]
"""`nobody`: it does not matter who asks. `anybody`: a person, or none yet. `known`: a person, else
401. `made`: a browser without a cookie becomes a guest (PERSON-1)."""


class Shown(msgspec.Struct, frozen=True):
    """One kind of success, for OpenAPI."""

    type: Any
    sentence: str
    headers: tuple[str, ...] = ()
    content_type: str = "application/json"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path.

    Attributes:
        id: OpenAPI's `operationId`, and the label of the metrics.
        path: with `{parameters}`; `me` and other fixed parts win over parameters.
        body: the type of the JSON body, None where none is read.
        is_body_needed: whether an empty body is refused.
        query: the type of the query, every field a text, a number or a boolean with a default.
        takes_connection: whether it may name the connection that sends it.
        if_match: whether it needs `If-Match` with an ETag.
        idempotency_key: whether it takes an `Idempotency-Key`.
        answers: successes by status.
        problems: ids of the errors it may answer beside those that every operation may.
        links: OpenAPI links by name: (operation id, parameter to runtime expression).
    """

    id: str
    method: Literal["GET", "PUT", "POST", "PATCH", "DELETE"]
    path: str
    tag: str
    summary: str
    handler: Handler
    asking: Asking
    answers: Mapping[int, Shown]
    description: str = ""
    body: Any = None
    is_body_needed: bool = False
    example: Mapping[str, Any] | None = None
    query: Any = None
    takes_connection: bool = False
    if_match: bool = False
    if_none_match: bool = False
    idempotency_key: bool = False
    problems: tuple[str, ...] = ()
    links: Mapping[str, tuple[str, Mapping[str, str]]] = {}


class Router:
    """Finds the operation for a method and a path."""

    def __init__(self, operations: list[Operation]) -> None:
        self._root: dict[str | None, Any] = {}
        for operation in operations:
            node: dict[str | None, Any] = self._root
            for part in operation.path.strip("/").split("/"):
                node = node.setdefault("{}" if part.startswith("{") else part, {})
            methods = node.setdefault(None, {})
            if operation.method in methods:
                raise ValueError(f"{operation.method} {operation.path} stands twice in the table")
            methods[operation.method] = operation

    def find(self, parts: list[str]) -> Mapping[str, Operation] | None:
        """Find what answers at a path, by method; None where nothing does."""
        return _walk(self._root, parts, 0)


def _walk(node: dict[Any, Any], parts: list[str], depth: int) -> Mapping[str, Operation] | None:
    if depth == len(parts):
        found: Mapping[str, Operation] | None = node.get(None)
        return found
    for name in (parts[depth], "{}"):
        below = node.get(name)
        if below is not None:
            found = _walk(below, parts, depth + 1)
            if found is not None:
                return found
    return None


def parameters(operation: Operation, parts: list[str]) -> dict[str, str]:
    """Read the path's parameters from its parts."""
    pattern = operation.path.strip("/").split("/")
    return {name[1:-1]: part for name, part in zip(pattern, parts, strict=True) if name[0] == "{"}
