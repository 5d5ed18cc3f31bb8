"""Tickets say what was granted and nothing else, and no other token passes."""

from __future__ import annotations

import base64
import datetime as dt
import json
import time
from typing import Any

import jwt
import pytest

from livekit import api
from moot.media.grant import GrantRequest
from moot.media.ledger import LEEWAY_S, TICKET_TTL_S
from moot.media.source import EVERY_SOURCE, Source
from moot.media.tokens import TOKEN_LIMIT, TokenInvalid, TokenSigner

KEY, SECRET = "key", "a secret of thirty-two bytes or more"
NOW = 1_000_000.25


def request(**facts: Any) -> GrantRequest:
    return GrantRequest(
        meeting_key="ABC123.1",
        participant_id="p",
        connection_id="c",
        name="Ana",
        url="ws://here",
        **facts,
    )


@pytest.fixture
def signer() -> TokenSigner:
    return TokenSigner(KEY, SECRET)


def test_a_ticket_says_what_was_granted(signer: TokenSigner) -> None:
    """MEDIA-3: the ticket is for one identity in one meeting, for ten minutes at most."""
    ticket = signer.sign(
        request(sources=frozenset({Source.CAMERA}), attributes={"seat": "7"}),
        NOW,
        is_enforced=True,
    )
    claims = signer.read(ticket.token, NOW)
    assert (claims.identity, claims.meeting_key, claims.name) == ("p.c", "ABC123.1", "Ana")
    assert claims.may_join
    assert claims.forwarded == {Source.CAMERA}
    assert claims.sources == EVERY_SOURCE
    assert claims.attributes == {"seat": "7", "participant_id": "p"}
    assert claims.granted_at == NOW
    assert ticket.expires_at - NOW <= 600
    more = (claims.may_administer, claims.may_create, claims.may_list, claims.may_update_own)
    assert not any((*more, claims.is_hidden))


def test_only_named_claims_enter_a_ticket(signer: TokenSigner) -> None:
    """PERSON-2: nothing but what the allow-list names stands in a ticket."""
    ticket = signer.sign(request(sources=frozenset()), NOW, is_enforced=True)
    payload = json.loads(_segment(ticket.token, 1))
    assert set(payload) == {
        "iss", "sub", "iat", "nbf", "exp", "name", "video", "attributes", "moot",
    }  # fmt: skip
    assert set(payload["video"]) == {
        "room", "roomJoin", "canPublish", "canSubscribe", "canPublishData", "canUpdateOwnMetadata",
        "hidden",
    }  # fmt: skip


@pytest.mark.parametrize(
    "sources",
    [EVERY_SOURCE, frozenset({Source.SCREEN, Source.SCREEN_AUDIO}), frozenset[Source]()],
)
def test_livekit_is_told_what_may_be_published(
    signer: TokenSigner, sources: frozenset[Source]
) -> None:
    """HOST-4: where LiveKit's server enforces, the ticket carries its own permission fields."""
    token = signer.sign(request(sources=sources), NOW, is_enforced=False).token
    claims = signer.read(token, NOW)
    assert claims.sources == sources
    assert claims.may_publish is bool(sources)


def test_it_ends(signer: TokenSigner) -> None:
    """PERSON-2: an expired ticket opens nothing, and one of the future not yet."""
    token = signer.sign(request(), NOW, is_enforced=True).token
    signer.read(token, NOW + TICKET_TTL_S)
    with pytest.raises(TokenInvalid):
        signer.read(token, NOW + TICKET_TTL_S + LEEWAY_S + 1)
    with pytest.raises(TokenInvalid):
        signer.read(token, NOW - LEEWAY_S - 1)


def test_tokens_of_programs_with_the_key_are_read(signer: TokenSigner) -> None:
    """MEDIA-2: a token signed by LiveKit's own server SDK with our key and secret is ours."""
    token = (
        api.AccessToken(KEY, SECRET)
        .with_identity("agent")
        .with_ttl(dt.timedelta(minutes=1))
        .with_grants(
            api.VideoGrants(
                room_join=True,
                room="ABC123.1",
                room_admin=True,
                can_publish_sources=["microphone", "unheard_of"],
            )
        )
        .to_jwt()
    )
    claims = signer.read(token, time.time())
    assert (claims.identity, claims.may_administer, claims.may_create) == ("agent", True, False)
    assert claims.sources == {Source.MICROPHONE}


def forged(payload: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(payload, secret, algorithm=algorithm)


GOOD: dict[str, Any] = {"iss": KEY, "sub": "p.c", "exp": NOW + 60, "video": {"roomJoin": True}}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "x" * (TOKEN_LIMIT + 1),
        forged(GOOD, secret="another secret of thirty-two bytes!!"),
        forged(GOOD, secret=SECRET * 2, algorithm="HS512"),
        jwt.encode(GOOD, None, algorithm="none"),
        forged({**GOOD, "iss": "other"}),
        forged({key: value for key, value in GOOD.items() if key != "exp"}),
        forged({key: value for key, value in GOOD.items() if key != "iss"}),
        forged({**GOOD, "exp": "tomorrow"}),
        forged({**GOOD, "exp": True}),
        forged({**GOOD, "exp": 1e999}),
        forged({**GOOD, "iat": "x"}),
        forged({**GOOD, "video": "all"}),
        forged({**GOOD, "video": {"roomJoin": "yes"}}),
        forged({**GOOD, "video": {"room": 7}}),
        forged({**GOOD, "name": ["x"]}),
        forged({**GOOD, "attributes": {"a": 1}}),
        forged({**GOOD, "attributes": "x"}),
        forged({**GOOD, "moot": [1]}),
        forged({**GOOD, "moot": {"forwarded": ["smell"]}}),
        forged({**GOOD, "moot": {"forwarded": 5}}),
    ],
)
def test_no_other_token_passes(signer: TokenSigner, token: str) -> None:
    """PERSON-2: forged, foreign, unsigned, endless or misshapen tokens open nothing."""
    with pytest.raises(TokenInvalid):
        signer.read(token, NOW)


def test_the_good_one_among_them_passes(signer: TokenSigner) -> None:
    """The token that the bad ones are made of is good, so each is refused for its own fault."""
    assert signer.read(forged(GOOD), NOW).identity == "p.c"


def _segment(token: str, number: int) -> bytes:
    text = token.split(".")[number]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
