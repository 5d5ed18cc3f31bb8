"""Whatever a client sends, it harms nobody but itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from livekit.protocol import rtc
from tests.unit.media.scripted import Stage

from moot.media.builtin.connection import ConnectionRequest
from moot.media.builtin.view import ConnectionState
from moot.signal.incoming import SDP_STEP, Incoming, MessageInvalid
from moot.signal.protocol import MessageMalformed, SignalProtocol

TEXT = st.one_of(st.text(max_size=20), st.sampled_from(["cam", "TR_x", "v=0", '{"candidate":""}']))
SCALARS = {
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_ENUM: st.integers(-1, 120),
}


def fill(draw: Any, message: Any, depth: int = 0) -> None:
    """Set some of a message's fields to something."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            getattr(message, field.name)[draw(TEXT)] = draw(TEXT)
        elif field.message_type is not None:
            if depth > 3 or not draw(st.booleans()):
                continue
            value = getattr(message, field.name)
            target = value.add() if field.is_repeated else value
            target.SetInParent() if not field.is_repeated else None
            fill(draw, target, depth + 1)
        elif (values := SCALARS.get(field.type)) is not None and draw(st.booleans()):
            if field.is_repeated:
                getattr(message, field.name).extend(draw(st.lists(values, max_size=3)))
            else:
                setattr(message, field.name, draw(values))


@st.composite
def requests(draw: Any) -> rtc.SignalRequest:
    """Any request that the protocol can spell."""
    request = rtc.SignalRequest()
    field = draw(st.sampled_from(list(rtc.SignalRequest.DESCRIPTOR.fields)))
    if field.message_type is None:
        setattr(request, field.name, draw(st.integers(0, 2**40)))
    else:
        target = getattr(request, field.name)
        target.SetInParent()
        fill(draw, target)
    return request


@given(st.lists(requests(), max_size=12))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_anything(sent: list[rtc.SignalRequest]) -> None:
    """ERR-1: every request is carried out, ignored, or ends its sender; others stay as they are."""
    asyncio.run(_play(sent))


async def _play(sent: list[rtc.SignalRequest]) -> None:
    stage = Stage()
    await stage.start()
    joined = []
    for name in ("ana", "bo"):
        claims = stage.engine.door.admit(await stage.ticket(name))
        joined.append(stage.engine.door.join(claims, ConnectionRequest(mode="dual")))
    ana, bo = joined
    incoming = Incoming(stage.engine.signalling, ana.connection, Counter())
    protocol = SignalProtocol(0)
    for request in sent:
        if ana.connection.state is ConnectionState.GONE:
            break
        decoded = protocol.receive(request.SerializeToString(), 0, 0)
        if decoded is not None:
            with suppress(MessageInvalid):
                incoming.handle(decoded)
        ana.connection.outbox.take()
    assert bo.connection.state is ConnectionState.JOINED
    assert len(ana.connection.publications) <= 32
    await stage.engine.close()


@given(st.binary(max_size=300))
def test_no_bytes_break_the_protocol(payload: bytes) -> None:
    """ERR-1: arbitrary bytes are a request or malformed, nothing else."""
    with suppress(MessageMalformed):
        SignalProtocol(0).receive(payload, 0, 0)


async def test_long_descriptions_are_counted(stage: Stage) -> None:
    """ERR-1: a description counts by its length, so that nobody has long ones read all the time."""
    claims = stage.engine.door.admit(await stage.ticket("ana"))
    joined = stage.engine.door.join(claims, ConnectionRequest(mode="single"))
    incoming = Incoming(stage.engine.signalling, joined.connection, Counter())
    long = {"type": "offer", "sdp": "x" * (7 * SDP_STEP)}
    incoming.handle(rtc.SignalRequest(offer=long))
    assert incoming.steps == 7


async def test_lists_without_end_are_cut(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """ERR-1: a message that names more tracks than a meeting has costs no more than those."""
    monkeypatch.setattr("moot.signal.incoming.TRACKS_LIMIT", 3)
    claims = stage.engine.door.admit(await stage.ticket("ana"))
    joined = stage.engine.door.join(claims, ConnectionRequest(mode="single"))
    incoming = Incoming(stage.engine.signalling, joined.connection, Counter())
    incoming.handle(
        rtc.SignalRequest(
            subscription={
                "track_sids": ["a", "b"],
                "participant_tracks": [{"track_sids": ["c", "d", "e"]}] * 9,
                "subscribe": True,
            }
        )
    )
    refused = [notice.track_id for notice in joined.connection.outbox.take()]  # type: ignore[union-attr]
    assert refused == ["a", "b", "c"]
