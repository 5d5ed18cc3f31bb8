"""Ids and names: parsed once at the edge, trusted afterwards.

A Meeting ID has one canonical form (MEET-1); all other ids are UUIDv7 in canonical text, made by
the caller so that "created" is "the returned id is mine" on every database (design, section 2).
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from typing import Final, NewType
from uuid import UUID

from moot.errors import Problem

MeetingId = NewType("MeetingId", str)
"""What people type, in canonical form: 3 to 64 of `A-Z0-9`."""
MeetingUid = NewType("MeetingUid", str)
"""The row behind a Meeting ID (UUIDv7). Never leaves the server."""
ParticipantId = NewType("ParticipantId", str)
ConnectionId = NewType("ConnectionId", str)
MessageId = NewType("MessageId", str)
ProcessId = NewType("ProcessId", str)
PersonId = NewType("PersonId", str)
"""Who a person is: `guest:<32 hex>` or `account:<issuer>|<subject>`. Never leaves the server."""

# Crockford's base 32 without vowels: no look-alikes, no words. 27 symbols, 4.75 bits each.
GENERATED_ALPHABET: Final = "23456789BCDFGHJKMNPQRSTVWXZ"
GENERATED_LENGTH: Final = 12
"""12 symbols are 57 random bits: MEET-5 asks for 45, guessing at 100/s for 55 (see docs/spec)."""

_MEETING_ID: Final = re.compile(r"[A-Z0-9]{3,64}")
_IGNORED: Final = re.compile(r"[\s\-\u2010-\u2015\u2212\u00ad\u200b\ufe58\ufe63\uff0d]+")
_RAW_LIMIT: Final = 256
_NAME_LIMIT: Final = 80
_CANONICAL: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID_LIMIT: Final = 45
"""The longest spelling that Python reads: a URN."""


def parse_meeting_id(raw: str) -> MeetingId:
    """Bring a Meeting ID in any spelling to its canonical form (MEET-1).

    Raises:
        Problem: `meeting_id_invalid`, with the reason in words.
    """
    if len(raw) > _RAW_LIMIT:
        raise Problem("meeting_id_invalid", reason="This one is too long.")
    text = _IGNORED.sub("", raw)
    # Only ASCII letters are raised: "ß".upper() is "SS", and two spellings must not meet by
    # accident.
    canonical = text.upper() if text.isascii() else text
    if _MEETING_ID.fullmatch(canonical):
        return MeetingId(canonical)
    if not text:
        reason = "This one is empty."
    elif len(text) < 3:
        reason = "This one is too short."
    elif len(text) > 64:
        reason = "This one is too long."
    else:
        reason = "This one has other characters."
    raise Problem("meeting_id_invalid", reason=reason)


def parse_name(raw: str) -> str:
    """Accept a person's own words for their name (PERSON-3): trimmed, NFC, 1 to 80 characters.

    Raises:
        Problem: `name_invalid`, with the reason in words.
    """
    if len(raw) > 4 * _NAME_LIMIT:
        raise Problem("name_invalid", reason="This one is too long.")
    name = unicodedata.normalize("NFC", raw).strip()
    # Cc control, Cs lone surrogates, Cn unassigned, Zl/Zp line breaks; of Cf only the joiners that
    # scripts and emoji need stay: the rest are bidirectional overrides and invisible marks.
    for char in name:
        category = unicodedata.category(char)
        if category in ("Cc", "Cs", "Cn", "Co", "Zl", "Zp") or (
            category == "Cf" and char not in "\u200c\u200d"
        ):
            raise Problem("name_invalid", reason="This one has an invisible character.")
    if not name.strip("\u200c\u200d "):
        raise Problem("name_invalid", reason="This one is empty.")
    if len(name) > _NAME_LIMIT:
        raise Problem("name_invalid", reason="This one is too long.")
    return name


def parse_uuid(raw: str, *, field: str) -> str:
    """Accept a UUID in any spelling and give its canonical text.

    Raises:
        Problem: `body_invalid`, naming `field`.
    """
    if _CANONICAL.fullmatch(raw):  # as every client of ours spells it; a tenth of the time
        return raw
    if len(raw) <= _UUID_LIMIT:
        with contextlib.suppress(ValueError):
            return str(UUID(raw))
    raise Problem("body_invalid", reason=f"`{field}` is not a UUID")


def uuid7(*, now_ms: int, random: int) -> str:
    """Make a UUIDv7 (RFC 9562 §5.7) from its parts.

    Args:
        now_ms: milliseconds since 1970, 48 bits used.
        random: at least 74 random bits.
    """
    head = (now_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (random & 0xFFF) << 64
    return str(UUID(int=head | 0b10 << 62 | (random >> 12) & (2**62 - 1)))


def generated_meeting_id(random: int) -> MeetingId:
    """Spell `GENERATED_LENGTH` symbols from at least 64 random bits (MEET-5)."""
    symbols = []
    for _ in range(GENERATED_LENGTH):
        random, rest = divmod(random, len(GENERATED_ALPHABET))
        symbols.append(GENERATED_ALPHABET[rest])
    return MeetingId("".join(symbols))
