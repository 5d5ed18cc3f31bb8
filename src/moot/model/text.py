"""Texts that people write: checked once, then shown as they are.

A text that passes can be stored by every database and sent as JSON: it has no NUL, no lone
surrogate and no control character but the line break and the tab.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from moot.errors import Problem

MESSAGE_LIMIT: Final = 4000
TITLE_LIMIT: Final = 120
DEVICE_LIMIT: Final = 80
PASSCODE_LIMIT: Final = 128


def parse_message(raw: str) -> str:
    """Accept a chat message: 1 to 4,000 characters, not only white space.

    Raises:
        Problem: `body_invalid`.
    """
    text = unicodedata.normalize("NFC", _bounded(raw, 4 * MESSAGE_LIMIT, "text"))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    _require_visible(text, "text", allowed="\n\t")
    if not text.strip():
        raise Problem("body_invalid", reason="`text` is empty")
    return _bounded(text, MESSAGE_LIMIT, "text")


def parse_title(raw: str) -> str:
    """Accept a meeting's title: up to 120 characters in one line, trimmed; may be empty.

    Raises:
        Problem: `body_invalid`.
    """
    text = unicodedata.normalize("NFC", _bounded(raw, 4 * TITLE_LIMIT, "title")).strip()
    _require_visible(text, "title", allowed="")
    return _bounded(text, TITLE_LIMIT, "title")


def parse_device(raw: str) -> str:
    """Accept a label for a connection: up to 80 characters in one line, trimmed.

    Raises:
        Problem: `body_invalid`.
    """
    text = unicodedata.normalize("NFC", _bounded(raw, 4 * DEVICE_LIMIT, "device")).strip()
    _require_visible(text, "device", allowed="")
    return _bounded(text, DEVICE_LIMIT, "device")


def parse_passcode(raw: str) -> str:
    """Accept a new passcode: 1 to 128 characters, as typed but for its Unicode form.

    Raises:
        Problem: `body_invalid`.
    """
    text = unicodedata.normalize("NFKC", _bounded(raw, PASSCODE_LIMIT, "passcode"))
    _require_visible(text, "passcode", allowed="")
    if not text:
        raise Problem("body_invalid", reason="`passcode` is empty")
    return _bounded(text, PASSCODE_LIMIT, "passcode")


def _bounded(text: str, limit: int, field: str) -> str:
    if len(text) > limit:
        raise Problem("body_invalid", reason=f"`{field}` is too long")
    return text


def _require_visible(text: str, field: str, *, allowed: str) -> None:
    # Cc control, Cs lone surrogates; the bidirectional overrides would reorder what others read.
    for char in text:
        if char in allowed:
            continue
        if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or "\u202a" <= char <= "\u202e":
            raise Problem("body_invalid", reason=f"`{field}` has an invisible character")
