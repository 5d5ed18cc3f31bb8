"""Throw hostile bytes at the signalling: `python -m tests.unit.signal.fuzz SECONDS [SEED]`.

Real requests, queries and data messages are bent, cut, spliced and stretched. Whatever comes of
them, the sender is served, ignored or closed, and everyone else stays as they are. What breaks that
is kept in `.build/fuzz/signalling` with its seed; the exit code is 1.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from livekit.protocol import models, rtc
from tests.unit.media.scripted import Stage

from moot.media.builtin.connection import Connection, ConnectionRequest
from moot.media.builtin.data import DataSender
from moot.media.builtin.view import ConnectionState
from moot.signal.data import route
from moot.signal.incoming import Incoming, MessageInvalid
from moot.signal.joining import JoinInvalid, read_query, read_wish
from moot.signal.protocol import MessageMalformed, SignalProtocol

FOUND = Path(__file__).resolve().parents[3] / ".build/fuzz/signalling"
ROUND = 200
"""Inputs for one pair of participants before it is made anew."""
SLOWEST_S = 2.0
"""A single input that takes longer holds everyone up; a busy machine takes a fraction."""
DEPTH = 4
TEXTS = ("", "cam", "TR_x", "v=0\r\n", "ana.1", '{"candidate":""}', "\x00", "ü" * 40, "x" * 2_000)
VARINT_EDGES = (b"\x00", b"\x7f", b"\x80", b"\xff" * 9 + b"\x01", b"\xff" * 10)


def filled(message: Any, chance: random.Random, depth: int = 0) -> Any:
    """Set some of a message's fields to something that its type allows."""
    for field in message.DESCRIPTOR.fields:
        if chance.random() < 0.5 or (depth and field.containing_oneof and chance.random() < 0.5):
            continue
        if field.message_type is not None:
            if depth == DEPTH:
                continue
            if field.message_type.GetOptions().map_entry:
                with suppress(TypeError):  # a map to something else than text
                    getattr(message, field.name)[chance.choice(TEXTS)] = chance.choice(TEXTS)
                continue
            value = getattr(message, field.name)
            if field.is_repeated:
                for _ in range(chance.randrange(4)):
                    filled(value.add(), chance, depth + 1)
            else:
                value.SetInParent()
                filled(value, chance, depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).extend(
                scalar(field, chance) for _ in range(chance.randrange(4))
            )
        else:
            setattr(message, field.name, scalar(field, chance))
    return message


def scalar(field: Any, chance: random.Random) -> Any:
    """Draw a value of a field's type, the edges more often than the middle."""
    kind = field.type
    if kind == FieldDescriptor.TYPE_STRING:
        return chance.choice(TEXTS)
    if kind == FieldDescriptor.TYPE_BYTES:
        return chance.randbytes(chance.randrange(40))
    if kind == FieldDescriptor.TYPE_BOOL:
        return chance.random() < 0.5
    if kind == FieldDescriptor.TYPE_ENUM:
        return chance.choice((0, 1, 2, 3, 99))
    if kind in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE):
        return chance.choice((0.0, -1.0, 1e30, float("inf"), float("nan")))
    if kind in (FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64):
        return chance.choice((0, 1, 640, 2**31, 2**32 - 1))
    return chance.choice((0, 1, -1, 2**31 - 1, -(2**31)))


def bent(seed: bytes, other: bytes, chance: random.Random) -> bytes:
    """Change some bytes of a message, or cut it, or splice another one in."""
    data = bytearray(seed)
    for _ in range(chance.randrange(5)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(7):
            case 0 if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
            case 1:
                data[at:at] = chance.choice(VARINT_EDGES)
            case 2:
                del data[at : at + chance.randrange(9)]
            case 3:
                data[at:at] = other[chance.randrange(len(other) + 1) :][:200]
            case 4:
                del data[at:]
            case 5:
                data[at:at] = data[at : at + 64] * chance.randrange(1, 40)
            case _:
                data[at:at] = chance.randbytes(chance.randrange(1, 9))
    return bytes(data)


def query(chance: random.Random, other: bytes) -> bytes:
    """Draw the query of somebody who wants in, of either dialect."""
    request = filled(rtc.JoinRequest(), chance).SerializeToString()
    body = bent(request, other, chance)
    wrapped = rtc.WrappedJoinRequest(
        compression=chance.choice((0, 1)),
        join_request=gzip.compress(body, 1) if chance.random() < 0.7 else body,
    )
    packed = base64.urlsafe_b64encode(bent(wrapped.SerializeToString(), other, chance))
    plain = b"auto_subscribe=1&protocol=17&reconnect=1&sid=PA_x&capabilities=1,2,,x&"
    return bent(plain, other, chance) + b"join_request=" + packed


class Hostile:
    """One hostile participant, and another in the same meeting to whom nothing may happen."""

    def __init__(self, stage: Stage, hostile: Connection, witness: Connection) -> None:
        self.stage = stage
        self.witness = witness
        self._hostile = hostile
        self._incoming = Incoming(stage.engine.signalling, hostile, Counter())
        self._protocol = SignalProtocol(0)

    @classmethod
    async def enter(cls, chance: random.Random) -> Hostile:
        """Make a meeting of two."""
        stage = Stage()
        await stage.start()
        joined = []
        for name in ("ana", "bo"):
            claims = stage.engine.door.admit(await stage.ticket(name))
            mode = chance.choice(("single", "dual"))
            joined.append(stage.engine.door.join(claims, ConnectionRequest(mode=mode)))
        return cls(stage, joined[0].connection, joined[1].connection)

    def is_here(self) -> bool:
        """Tell whether the hostile one has not been put out yet."""
        return self._hostile.state is not ConnectionState.GONE

    def say(self, message: bytes) -> None:
        """Send a signalling message."""
        with suppress(MessageMalformed, MessageInvalid):
            request = self._protocol.receive(message, 0, 0)
            if request is not None:
                self._incoming.handle(request)
        self._incoming.replies.clear()
        self._protocol.messages_to_send()
        self._hostile.outbox.take()
        self.witness.outbox.take()
        assert self.witness.state is ConnectionState.JOINED, "another one was put out"
        assert len(self._hostile.publications) <= 32, "publications without end"


def ask(raw: bytes) -> None:
    """Ask to join."""
    with suppress(JoinInvalid):
        parameters = read_query(raw)
        for is_packed in (True, False):
            with suppress(JoinInvalid):
                read_wish(parameters, is_packed=is_packed)


def send(payload: bytes, chance: random.Random) -> None:
    """Send a data message."""
    sender = DataSender("PA_ana", "ana.1")
    routed = route(payload, chance.choice(("reliable", "lossy")), sender)
    if routed is not None:
        told = models.DataPacket.FromString(routed.payload)
        assert told.participant_identity == "ana.1", "somebody else's name"
        assert told.participant_sid == "PA_ana", "somebody else's id"


async def play(seconds: float, seed: int) -> int:
    """Fuzz for so long; answers the number of inputs."""
    chance = random.Random(seed)
    until = time.monotonic() + seconds
    count = 0
    other = b""
    while time.monotonic() < until:
        pair = await Hostile.enter(chance)
        for _ in range(ROUND):
            kind = chance.choice(("say", "say", "ask", "send"))
            if kind == "ask":
                data = query(chance, other)
            else:
                made = rtc.SignalRequest() if kind == "say" else models.DataPacket()
                one = chance.choice(made.DESCRIPTOR.oneofs[0].fields)
                if one.message_type is not None:
                    getattr(made, one.name).SetInParent()
                    filled(getattr(made, one.name), chance)
                else:
                    setattr(made, one.name, 5)
                data = bent(made.SerializeToString(), other, chance)
            began = time.process_time()
            try:
                if kind == "say":
                    pair.say(data)
                elif kind == "ask":
                    ask(data)
                else:
                    send(data, chance)
                took = time.process_time() - began
                assert took < SLOWEST_S, f"{took:.1f} s"
            except Exception:
                FOUND.mkdir(parents=True, exist_ok=True)
                file = FOUND / f"{kind}-{seed}-{count}"
                file.write_bytes(data)
                print(f"seed {seed}, input {count} ({kind}) is kept in {file}", flush=True)
                raise
            other = data[:4_000]
            count += 1
            if not pair.is_here():
                break
        await pair.stage.engine.close()
    return count


def main(words: list[str]) -> None:
    """Fuzz and say how much was tried."""
    seed = int(words[1]) if len(words) > 1 else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}", flush=True)
    count = asyncio.run(play(float(words[0]), seed))
    assert count > 0
    print(f"{count} inputs", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
