"""MEDIA-3: the two names under which the engine knows a meeting and a connection."""

import pytest

from moot.media.key import identity, meeting_key, split_identity, split_meeting_key


def test_a_name_taken_apart_is_what_it_was_made_of() -> None:
    """MEDIA-3: identity is participant id and connection id; the key is meeting id and run."""
    assert split_identity(identity("p-1", "c-2")) == ("p-1", "c-2")
    assert split_meeting_key(meeting_key("ABC123", 7)) == ("ABC123", 7)


@pytest.mark.parametrize("name", ["", "x", ".x", "x.", "a.b.c", "x.1x", "x.²"])
def test_a_name_of_others_is_not_ours(name: str) -> None:
    """MEDIA-3: rooms and identities that a program of others made are told apart from ours."""
    assert split_meeting_key(name) is None


@pytest.mark.parametrize("name", ["", "agent", ".c", "p.", "a.b.c"])
def test_an_identity_of_others_is_not_ours(name: str) -> None:
    """MEDIA-3: an identity that a program of others chose does not pass for a participant."""
    assert split_identity(name) is None
