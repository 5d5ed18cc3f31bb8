"""Logs: one structured line per step, with nothing in it that belongs to a person (LOG-1).

Everything that is logged, by moot or by a library, passes the same redaction: fields that hold
names, cookies, tokens, addresses or words of people are left out by their name, and what looks like
a token or a network address is covered up wherever it stands.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, Literal, TextIO

import structlog

_FIELDS: Final = frozenset(
    {
        "address",
        "audio_token",
        "authorization",
        "body",
        "client",
        "client_addr",
        "cookie",
        "device",
        "email",
        "headers",
        "host",
        "ip",
        "label",
        "name",
        "passcode",
        "password",
        "peer",
        "person",
        "person_id",
        "remote",
        "secret",
        "set_cookie",
        "subject",
        "text",
        "ticket",
        "title",
        "token",
        "url",
    }
)
_COVER: Final = "[covered]"
_SUSPICIOUS: Final = (
    re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),
    re.compile(r"(?i)\bbearer\s+\S+"),
    re.compile(r"moot_guest=[^;\s]+"),
    re.compile(r"(?<=://)[^/\s@]+@"),
    re.compile(r"\bguest:[0-9a-f]{32}\b|\baccount:\S+"),
    re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"),
    re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}(?![\w:])"),
    re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:)*::(?:[0-9a-fA-F]{1,4}:?)*(?![\w:])"),
)


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave out fields that hold personal things and cover up what looks like one (structlog)."""
    for field in list(event):
        value = event[field]
        if field.lower() in _FIELDS:
            del event[field]
        elif isinstance(value, str) and field not in ("timestamp", "level", "logger"):
            event[field] = cover(value)
    return event


def cover(text: str) -> str:
    """Cover up tokens, cookies, persons, passwords in URLs and network addresses in a text."""
    for pattern in _SUSPICIOUS:
        text = pattern.sub(_COVER, text)
    return text


def set_up_logs(level: str, style: Literal["text", "json"], stream: TextIO | None = None) -> None:
    """Send every log line of this process to one place in one shape. Called once, by `serve`.

    Args:
        level: the least important line that is shown: debug, info, warning or error.
        style: lines for a person, or one JSON object a line.
        stream: standard error unless given.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact,
    ]
    render: Any = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for library in ("uvicorn", "uvicorn.error", "websockets", "asyncio", "alembic", "aiohttp"):
        logger = logging.getLogger(library)
        logger.handlers = []
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        # A line that is not shown costs nothing, whatever the processors would do with it.
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=True,
    )
