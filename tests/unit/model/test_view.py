"""The objects of the wire: exactly the protocol's fields, and nothing secret (PERSON-2, ERR-1)."""

import re
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from tests.unit.model.test_admission import CLOSED, GUEST
from tests.unit.model.test_participant import ONE, link

from moot.model.meeting import ChatMessage, Meeting
from moot.model.view import (
    MeetingView,
    MessageView,
    ParticipantView,
    Snapshot,
    connection_view,
    label,
    meeting_glance,
    meeting_view,
    message_view,
    participant_view,
)

PROTOCOL = Path(__file__).parents[3] / "docs/protocol/http.md"


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("meeting", MeetingView),
        ("participant", ParticipantView),
        ("message", MessageView),
        ("snapshot", Snapshot),
    ],
)
def test_fields_are_the_protocol_s(name: str, view: type[msgspec.Struct]) -> None:
    """EVENT-2: a view has exactly the fields that the protocol names for it."""
    text = " ".join(PROTOCOL.read_text(encoding="utf-8").split())
    found = re.search(rf"- `{name}`: `\{{(.*?)\}}`", text)
    assert found is not None
    named = [part.split(":")[0].strip() for part in found.group(1).split(",")]
    assert list(view.__struct_fields__) == named


def test_nothing_secret() -> None:
    """PERSON-2: neither who a person is nor a passcode's hash leaves the server."""
    said = msgspec.json.encode(
        (
            meeting_view(CLOSED),
            meeting_glance(CLOSED),
            participant_view(GUEST, connections=1),
            connection_view(link(ONE)),
        )
    ).decode()
    for secret in (GUEST.person_id, CLOSED.created_by, "argon2", CLOSED.uid + '"'):
        assert secret not in said
    assert meeting_view(CLOSED).passcode
    assert meeting_glance(CLOSED).lobby


def test_labels() -> None:
    """PERSON-3: twins are shown as "Ana" and "Ana (2)"."""
    assert [label("Ana", twin) for twin in (1, 2, 3)] == ["Ana", "Ana (2)", "Ana (3)"]
    shown = participant_view(replace(GUEST, twin=2), connections=0)
    assert (shown.name, shown.label) == ("Ana", "Ana (2)")


def test_deleted_message() -> None:
    """EVENT-1: a message says whether it was deleted, not when."""
    message = ChatMessage("m", "u", 1, "p", "Ana", "", posted_at=1, event_seq=1, deleted_at=5)
    assert message_view(message).deleted
    assert not message_view(replace(message, deleted_at=None)).deleted


def test_meeting_is_a_value() -> None:
    """MEET-3: what the store holds of a meeting cannot be changed in place."""
    with pytest.raises(AttributeError):
        CLOSED.run = 5  # type: ignore[misc]
    assert isinstance(CLOSED, Meeting)
