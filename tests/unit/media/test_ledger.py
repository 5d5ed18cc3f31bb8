"""What was said about identities holds against older tickets, and is forgotten in time."""

from moot.media.ledger import TICKET_TTL_S, Ledger
from moot.media.source import EVERY_SOURCE, Source

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
    ledger.forget(TICKET_TTL_S, {("M.1", "here.1")})
    assert ledger.is_revoked("M.1", "bad.1", granted_at=0)
    ledger.forget(TICKET_TTL_S + 1, {("M.1", "here.1")})
    assert ledger.latest("M.1", "gone.1") is None
    assert ledger.latest("M.1", "here.1") == MIC
    assert not ledger.is_revoked("M.1", "bad.1", granted_at=0)
    assert not ledger.is_revoked("M.9", "x.1", granted_at=0)
