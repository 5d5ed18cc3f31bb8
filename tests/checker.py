"""Was there ever more than one? The checker of create-or-get histories.

A key that is created once and never deleted is a sticky register: whoever asks gets the same id
from the first success on. So no search over orders is needed: five conditions, checked in one pass,
hold exactly if some order of the calls explains every answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from math import inf
from operator import attrgetter
from typing import Literal


@dataclass(frozen=True)
class Call:
    """One call by one caller, on a clock that all callers share.

    Attributes:
        key: what was asked for, in canonical form.
        kind: `put` creates or gets, `get` only gets.
        began: when the call was sent.
        ended: when its answer was there.
        answered: False if nobody knows whether it has happened: a timeout, a killed server.
        id: what was found or created; None for "there is none".
        created: whether the answer said so.
    """

    key: str
    kind: Literal["put", "get"]
    began: float
    ended: float
    answered: bool = True
    id: str | None = None
    created: bool = False


def faults(history: Iterable[Call]) -> list[str]:
    """Name everything that no order of the calls explains; nothing if all is well."""
    by_key = attrgetter("key")
    found = []
    for key, calls in groupby(sorted(history, key=by_key), by_key):
        fault = _fault(list(calls))
        if fault:
            found.append(f"{key}: {fault}")
    return found


def _fault(calls: list[Call]) -> str | None:
    answered = [call for call in calls if call.answered]
    if len({call.id for call in answered if call.id}) > 1:
        return "two rows for one key"
    made = [call for call in answered if call.created]
    if len(made) > 1:
        return "two callers were told that they created it"
    seen = min((call.ended for call in answered if call.id), default=inf)
    if made and made[0].began > seen:
        return "created after it had been seen"
    lost = any(not call.answered and call.kind == "put" and call.began < seen for call in calls)
    if seen < inf and not made and not lost:
        return "seen, but nobody created it"
    if any(call.id is None and call.began > seen for call in answered):
        return "gone after it had been seen"
    return None
