"""A data packet says who truly sent it, and goes to those it names."""

import pytest
from livekit.protocol import models

from moot.media.builtin.data import DataSender
from moot.signal.data import RECEIVERS_LIMIT, route

ANA = DataSender("PA_ana", "ana.1")


def test_the_true_sender_is_written_over_any_claim() -> None:
    """PERSON-2: nobody speaks as someone else, in the packet or in the message inside it."""
    packet = models.DataPacket(
        participant_identity="host.1",
        participant_sid="PA_host",
        user={"payload": b"x", "participant_identity": "host.1", "participant_sid": "PA_host"},
    )
    routed = route(packet.SerializeToString(), "lossy", ANA)
    assert routed is not None
    out = models.DataPacket.FromString(routed.payload)
    assert (out.participant_identity, out.participant_sid) == ("ana.1", "PA_ana")
    assert (out.user.participant_identity, out.user.participant_sid) == ("ana.1", "PA_ana")
    assert out.user.payload == b"x"
    assert out.kind == models.DataPacket.Kind.LOSSY
    assert routed.identities == routed.sids == frozenset()


def test_receivers_of_all_kinds_are_read() -> None:
    """MEDIA-2: receivers by identity, in the packet or the message, and by sid."""
    packet = models.DataPacket(
        destination_identities=["bo.1"],
        user={"destination_identities": ["cy.1"], "destination_sids": ["PA_dee"]},
    )
    routed = route(packet.SerializeToString(), "reliable", ANA)
    assert routed is not None
    assert routed.identities == {"bo.1", "cy.1"}
    assert routed.sids == {"PA_dee"}
    many = models.DataPacket(
        destination_identities=[f"{n}" for n in range(2 * RECEIVERS_LIMIT)], chat_message={}
    )
    routed = route(many.SerializeToString(), "reliable", ANA)
    assert routed is not None
    assert len(routed.identities) == RECEIVERS_LIMIT


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xff",
        models.DataPacket(speaker={}).SerializeToString(),
        models.DataPacket(participant_identity="x").SerializeToString(),
    ],
)
def test_what_is_no_message_goes_nowhere(payload: bytes) -> None:
    """PERSON-2: garbage, and what only the server says (who speaks), is not forwarded."""
    assert route(payload, "reliable", ANA) is None
