"""What the handlers of the API work with: control, and the parts that judge a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from moot.config import Config
from moot.control.context import Control
from moot.gate.address import Proxies
from moot.gate.limits import Limits
from moot.gate.origin import Origins
from moot.persons.bearer import Bearers
from moot.persons.connection import ConnectionTokens
from moot.persons.guest import GuestCookies


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """Everything below the API, built once by the composition root.

    Attributes:
        control: the commands.
        now_s: seconds since 1970.
        monotonic: seconds of a clock that only goes forward; limits use it.
        is_draining: whether this process is about to stop.
        exposition: the metrics page as Prometheus reads it.
        observe: told of each answer: operation id, status, seconds.
        log: structlog's bound logger.
    """

    config: Config
    control: Control
    guests: GuestCookies
    bearers: Bearers
    tokens: ConnectionTokens
    origins: Origins
    proxies: Proxies
    limits: Limits
    now_s: Callable[[], float]
    monotonic: Callable[[], float]
    is_draining: Callable[[], bool]
    exposition: Callable[[], bytes]
    observe: Callable[[str, int, float], None]
    log: Any
    version: str
