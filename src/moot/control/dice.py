"""Random bits, drawn from the system in large portions."""

from __future__ import annotations

import os
from typing import Final

_PORTION: Final = 4096


class Dice:
    """Unpredictable bits, as good as the system's own.

    Asking the system gives up the interpreter for a moment, and on a busy process getting it back
    costs more than a whole join. So bits are drawn in portions; each is given out once. Not for
    use from several threads at once, nor on both sides of a fork.
    """

    def __init__(self) -> None:
        self._bytes = b""
        self._used = 0

    def __call__(self, bits: int) -> int:
        """Give a number of so many random bits, at most 1,024."""
        size = (bits + 7) // 8
        if self._used + size > len(self._bytes):
            self._bytes = os.urandom(_PORTION)
            self._used = 0
        taken = self._bytes[self._used : self._used + size]
        self._used += size
        return int.from_bytes(taken) >> (8 * size - bits)
