"""Announcements as bytes between processes: MessagePack, with the sender's name first."""

from __future__ import annotations

from typing import Final

import msgspec

from moot.bus.port import Announcement
from moot.model.event import Ephemeral
from moot.model.meeting import Event


class _Carried(msgspec.Struct, frozen=True, array_like=True):
    sender: str
    event: Event | None = None
    ephemeral: Ephemeral | None = None


_LIMIT: Final = 1_048_576
"""Bytes of one announcement; a longer one is not ours."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Carried).decode


def pack(sender: str, announcement: Announcement) -> bytes:
    """Make the bytes that carry an announcement."""
    if isinstance(announcement, Ephemeral):
        return _encode(_Carried(sender, ephemeral=announcement))
    return _encode(_Carried(sender, event=announcement))


def unpack(carried: bytes) -> tuple[str, Announcement] | None:
    """Read sender and announcement; None for anything that is not one of ours."""
    if len(carried) > _LIMIT:
        return None
    try:
        read = _decode(carried)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    announcement = read.event or read.ephemeral
    return None if announcement is None else (read.sender, announcement)
