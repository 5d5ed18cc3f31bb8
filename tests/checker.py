"""Judges a history of create-or-gets: a Meeting ID is a sticky register (MEET-2, MEET-3, JOIN-1).

Whoever writes first wins and everybody after sees the same, so no search is needed: one pass over
the operations of a register says whether any order of them explains what was answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call and what came of it, on one clock for all callers.

    Attributes:
        call: when it was sent, in seconds.
        ret: when it was answered; infinite where it never was.
        kind: `put` creates or gets, `get` only reads.
        st: `ok` answered; `info` not answered: it may or may not have happened.
        id: what the answer named; None where a read found nothing or nothing was answered.
        created: whether the answer said that this call created it.
    """

    call: float
    ret: float
    kind: Literal["put", "get"]
    st: Literal["ok", "info"]
    id: str | None
    created: bool = False


def check(history: Iterable[Operation]) -> str | None:
    """Say what is impossible about one register's history; None if nothing is."""
    operations = list(history)
    answered = [one for one in operations if one.st == "ok"]
    if len({one.id for one in answered if one.id is not None}) > 1:
        return "two rows for one key"
    made = [one for one in answered if one.kind == "put" and one.created]
    if len(made) > 1:
        return "two callers were told that they created it"
    seen = min((one.ret for one in answered if one.id is not None), default=inf)
    if made and made[0].call > seen:
        return "created after it was seen"
    unanswered = any(
        one.st == "info" and one.kind == "put" and one.call < seen for one in operations
    )
    if seen < inf and not made and not unanswered:
        return "seen, but nobody created it"
    if any(one.kind == "get" and one.id is None and one.call > seen for one in answered):
        return "not found after it was seen"
    return None
