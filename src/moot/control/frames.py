"""The messages of the event stream as text (docs/protocol/realtime.md), each encoded once."""

from __future__ import annotations

from typing import Literal

import msgspec

from moot.model.event import Ephemeral
from moot.model.ids import ConnectionId
from moot.model.meeting import Event
from moot.model.view import Snapshot

LobbyStatus = Literal["waiting", "admitted", "denied"]

_encode = msgspec.json.Encoder().encode


class _Hello(msgspec.Struct, frozen=True, tag="hello", omit_defaults=True):
    connection_id: ConnectionId
    fence: int
    epoch: int
    event_seq: int
    resumed: bool
    server_time: int
    snapshot: Snapshot | msgspec.UnsetType = msgspec.UNSET


class _Event(msgspec.Struct, frozen=True, tag="event"):
    epoch: int
    event_seq: int
    kind: str
    at: int
    body: msgspec.Raw


class _Hidden(msgspec.Struct, frozen=True, tag="event"):
    epoch: int
    event_seq: int
    kind: Literal["hidden"]


class _Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    epoch: int
    event_seq: int
    snapshot: Snapshot


class _Ephemeral(msgspec.Struct, frozen=True, tag="ephemeral"):
    kind: str
    body: msgspec.Raw


class _Lobby(msgspec.Struct, frozen=True, tag="lobby"):
    status: LobbyStatus


def hello(
    connection_id: ConnectionId,
    *,
    fence: int,
    epoch: int,
    event_seq: int,
    snapshot: Snapshot | None,
    now_ms: int,
) -> str:
    """Begin a stream, with a snapshot, or (None) with the missing events to follow."""
    return _text(
        _Hello(
            connection_id=connection_id,
            fence=fence,
            epoch=epoch,
            event_seq=event_seq,
            resumed=snapshot is None,
            server_time=now_ms,
            snapshot=msgspec.UNSET if snapshot is None else snapshot,
        )
    )


def event(change: Event) -> str:
    """Carry one durable change."""
    return _text(
        _Event(
            epoch=change.epoch,
            event_seq=change.event_seq,
            kind=change.type,
            at=change.at,
            body=msgspec.Raw(change.body),
        )
    )


def hidden(change: Event) -> str:
    """Keep the count of a reader who may not see a change."""
    return _text(_Hidden(change.epoch, change.event_seq, "hidden"))


def snapshot(state: Snapshot) -> str:
    """Replace everything a reader has."""
    return _text(_Snapshot(state.meeting.epoch, state.meeting.event_seq, state))


def ephemeral(passing: Ephemeral) -> str:
    """Carry something that may be lost."""
    return _text(_Ephemeral(passing.kind, msgspec.Raw(passing.body)))


def lobby(status: LobbyStatus) -> str:
    """Tell a waiting person how it stands."""
    return _text(_Lobby(status))


def _text(message: msgspec.Struct) -> str:
    return _encode(message).decode()
