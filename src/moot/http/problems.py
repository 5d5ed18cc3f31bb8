"""Problems as documents: RFC 9457 over the table of errors (ERR-1)."""

from __future__ import annotations

from typing import Any

import msgspec

from moot.errors import PROBLEMS, Problem, ProblemKind
from moot.http.answer import Answer

PROBLEM_JSON = b"application/problem+json"
TYPE_BASE = "/api/v1/problems/"


class ProblemDocument(msgspec.Struct, frozen=True):
    """What every error answers (RFC 9457). Facts of the error may stand beside these members."""

    type: str
    """`/api/v1/problems/<code>`, where it is explained."""
    title: str
    """The kind of problem, the same for every occurrence."""
    status: int
    detail: str
    """What is wrong, in a sentence for people."""
    code: str
    """The stable id of the table of errors."""
    cure: str
    """What to do next."""


class ProblemExplained(msgspec.Struct, frozen=True):
    """One row of the table of errors."""

    code: str
    status: int
    """The HTTP status; 0 where the problem only ever closes an event stream."""
    sentence: str
    cure: str
    close: int | None
    """The WebSocket close code, where the event stream can end with it."""
    resume: bool
    """After `close`, whether the same connection should come back by itself."""


def explain(kind: ProblemKind) -> ProblemExplained:
    """Show one row of the table."""
    return ProblemExplained(kind.id, kind.status, kind.sentence, kind.cure, kind.close, kind.resume)


def title(kind: ProblemKind) -> str:
    """Say the id in words."""
    return kind.id.replace("_", " ").capitalize()


def problem_answer(problem: Problem, *headers: tuple[bytes, bytes]) -> Answer:
    """Turn a problem into an answer; one that has no HTTP status is a bug and answers 500."""
    kind = problem.kind if problem.kind.status else PROBLEMS["internal"]
    document: dict[str, Any] = {
        name: value
        for name, value in problem.facts.items()
        if isinstance(value, str | int | float | bool)
    }
    document |= {
        "type": TYPE_BASE + kind.id,
        "title": title(kind),
        "status": kind.status,
        "detail": problem.sentence if kind is problem.kind else kind.sentence,
        "code": kind.id,
        "cure": kind.cure,
    }
    extra = list(headers)
    if problem.retry_after_s is not None:
        extra.append((b"retry-after", str(problem.retry_after_s).encode()))
    if kind.status == 401:
        extra.append((b"www-authenticate", b'Bearer realm="moot"'))
    return Answer(kind.status, document, tuple(extra), PROBLEM_JSON)
