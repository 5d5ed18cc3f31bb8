"""What was said about identities holds against older tickets, and is forgotten in time."""

from moot.media.grant import GrantRequest
from moot.media.ledger import REMEMBERED_S, Ledger
from moot.media.source import EVERY_SOURCE, Source
from moot.media.tokens import TokenInvalid, TokenSigner

MIC = frozenset({Source.MICROPHONE})


def test_the_newer_of_ticket_and_word_counts() -> None:
    """EVENT-4: a mute said after a ticket was made holds; a ticket made after it lifts it."""
    ledger = Ledger()
    ledger.allow("M.1", "p.1", MIC, now=10)
    assert ledger.allowed("M.1", "p.1", EVERY_SOURCE, granted_at=9) == MIC
    assert ledger.allowed("M.1", "p.1", EVERY_SOURCE, granted_at=11) == EVERY_SOURCE
    assert ledger.allowed("M.1", "q.1", EVERY_SOURCE, granted_at=9) == EVERY_SOURCE
    assert ledger.latest("M.1", "p.1") == MIC
    assert ledger.latest("M.2", "p.1") is None


def test_a_removal_kills_older_tickets_only() -> None:
    """JOIN-8: tickets made before a removal open nothing; one made after it does."""
    ledger = Ledger()
    ledger.remove("M.1", "p.1", now=10)
    assert ledger.is_revoked("M.1", "p.1", granted_at=10)
    assert not ledger.is_revoked("M.1", "p.1", granted_at=10.001)
    assert not ledger.is_revoked("M.1", "p.2", granted_at=1)


def test_an_end_kills_the_tickets_of_one_run() -> None:
    """MEET-7: an ended run's tickets are dead, the next run's are not."""
    ledger = Ledger()
    ledger.end("M.1", now=10)
    assert ledger.is_revoked("M.1", "p.1", granted_at=9)
    assert not ledger.is_revoked("M.2", "p.1", granted_at=9)


def test_what_no_ticket_can_need_is_forgotten() -> None:
    """Words older than any ticket go, except those on people who are connected."""
    ledger = Ledger()
    ledger.allow("M.1", "gone.1", MIC, now=0)
    ledger.allow("M.1", "here.1", MIC, now=0)
    ledger.remove("M.1", "bad.1", now=0)
    ledger.end("M.9", now=0)
    ledger.forget(REMEMBERED_S, {("M.1", "here.1")})
    assert ledger.is_revoked("M.1", "bad.1", granted_at=0)
    ledger.forget(REMEMBERED_S + 1, {("M.1", "here.1")})
    assert ledger.latest("M.1", "gone.1") is None
    assert ledger.latest("M.1", "here.1") == MIC
    assert not ledger.is_revoked("M.1", "bad.1", granted_at=0)
    assert not ledger.is_revoked("M.9", "x.1", granted_at=0)


def test_a_removal_is_remembered_for_as_long_as_a_ticket_is_accepted() -> None:
    """JOIN-8: no second is left in which a ticket still opens and its removal is forgotten."""
    now = 1_000_000.25
    signer, ledger = TokenSigner("key", "a secret of thirty-two bytes or more"), Ledger()
    request = GrantRequest(
        meeting_key="M.1", participant_id="p", connection_id="1", name="P", url="ws://test"
    )
    token = signer.sign(request, now, is_enforced=True).token
    ledger.remove("M.1", "p.1", now)
    while True:
        ledger.forget(now, set())
        try:
            claims = signer.read(token, now)
        except TokenInvalid:
            break
        assert ledger.is_revoked("M.1", "p.1", claims.granted_at)
        now += 0.25
