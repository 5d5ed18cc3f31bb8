"""Connection tokens."""

from moot.model.ids import ConnectionId, MeetingId
from moot.persons.connection import ConnectionTokens
from moot.persons.sign import Signer

A, B = ConnectionId("0198f0a2-8d11-7a52-8c33-0f1e2d3c4b5a"), ConnectionId("0198f0a2-0000-7a52")


def test_a_token_opens_only_the_stream_it_was_made_for():
    """PERSON-2: a token of one meeting or connection is worthless for another."""
    tokens = ConnectionTokens(Signer("connection", [b"k" * 32]))
    token = tokens.make(MeetingId("ABC"), A)
    assert tokens.check(token, MeetingId("ABC"), A)
    assert not tokens.check(token, MeetingId("ABCD"), A)
    assert not tokens.check(token, MeetingId("ABC"), B)
    assert not tokens.check("", MeetingId("ABC"), A)
    assert not ConnectionTokens(Signer("guest", [b"k" * 32])).check(token, MeetingId("ABC"), A)
