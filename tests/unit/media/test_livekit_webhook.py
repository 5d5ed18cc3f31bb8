"""Only LiveKit's own webhooks count, each once, and only for where to look."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import jwt
import pytest

from moot.media.livekit_webhook import (
    KEPT_LIMIT,
    WEBHOOK_AGE_S,
    WEBHOOK_LIMIT,
    WebhookInvalid,
    WebhookReader,
)
from moot.media.tokens import TokenSigner

KEY, SECRET = "key", "a secret of thirty-two bytes or more"
NOW = 1_000_000.0


def body(**facts: Any) -> bytes:
    event = {
        "event": "participant_left",
        "id": "EV_1",
        "createdAt": str(int(NOW)),
        "room": {"name": "ABC123.1"},
        "participant": {"sid": "PA_1", "disconnectReason": "CLIENT_INITIATED"},
        **facts,
    }
    return json.dumps(event).encode()


def signed(payload: bytes, secret: str = SECRET, **claims: Any) -> str:
    digest = base64.b64encode(hashlib.sha256(payload).digest()).decode()
    given = {"iss": KEY, "exp": NOW + 300, "sha256": digest, **claims}
    return jwt.encode(given, secret, algorithm="HS256")


@pytest.fixture
def reader() -> WebhookReader:
    return WebhookReader(TokenSigner(KEY, SECRET))


def test_a_good_one_says_where_to_look(reader: WebhookReader) -> None:
    """MEDIA-2: a signed webhook names the room to ask about, and why a stay has ended."""
    assert reader.read(body(), signed(body()), NOW) == "ABC123.1"
    assert reader.reasons["PA_1"] == "left"
    other = body(id="EV_2", participant={"sid": "PA_2", "disconnectReason": "MIGRATION"})
    assert reader.read(other, f"Bearer {signed(other)}", NOW) == "ABC123.1"
    assert reader.reasons["PA_2"] == "lost"


def test_the_same_again_says_nothing(reader: WebhookReader) -> None:
    """MEDIA-2: a replayed webhook makes nobody look."""
    reader.read(body(), signed(body()), NOW)
    assert reader.read(body(), signed(body()), NOW) == ""


def test_what_is_remembered_is_bounded(reader: WebhookReader) -> None:
    """ERR-1: no number of webhooks makes the memory grow without bound."""
    for number in range(KEPT_LIMIT + 5):
        payload = body(id=f"EV_{number}", participant={"sid": f"PA_{number}"})
        reader.read(payload, signed(payload), NOW)
    assert len(reader.reasons) == KEPT_LIMIT
    assert "PA_0" not in reader.reasons


LONG = b" " * (WEBHOOK_LIMIT + 1)
STALE = body(createdAt=str(int(NOW - WEBHOOK_AGE_S - 1)))


@pytest.mark.parametrize(
    ("payload", "token"),
    [
        (body(), ""),
        (body(), "x.y.z"),
        (body(), signed(body(), secret="another secret of thirty-two bytes!!")),
        (body(), signed(body(id="EV_2"))),
        (body(), signed(body(), sha256="")),
        (body(), signed(body(), sha256=7)),
        (body(), signed(body(), sha256="%%%")),
        (body(), signed(body(), exp=NOW - 60)),
        (b"{", signed(b"{")),
        (b"\xff", signed(b"\xff")),
        (b'{"event":5}', signed(b'{"event":5}')),
        (b"{}", signed(b"{}")),
        (LONG, signed(LONG)),
        (STALE, signed(STALE)),
    ],
)
def test_others_are_refused(reader: WebhookReader, payload: bytes, token: str) -> None:
    """PERSON-2: forged, altered, stale or oversized webhooks change nothing."""
    with pytest.raises(WebhookInvalid):
        reader.read(payload, token, NOW)
    assert not reader.reasons
