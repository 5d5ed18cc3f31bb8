"""The schema's history: one file a step, each only adding, run in order under a lock."""

from __future__ import annotations

from typing import Final

REVISIONS: Final = ("0001", "0002", "0003")
"""Every step in order, so that a start without work to do needs no migration library."""
