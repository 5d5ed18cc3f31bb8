"""LiveKit's data packets: who they are for, and the true sender written into them."""

from __future__ import annotations

from typing import Final, Literal

from google.protobuf.message import DecodeError
from livekit.protocol import models

from moot.media.builtin.data import DataSender, RoutedData

RECEIVERS_LIMIT: Final = 1_000
"""Receivers one packet may name."""


def route(
    payload: bytes, kind: Literal["reliable", "lossy"], sender: DataSender
) -> RoutedData | None:
    """Stamp a client's packet with its true sender and read its receivers.

    A packet that claims to be from the server (speakers) or cannot be read goes nowhere.
    """
    try:
        packet = models.DataPacket.FromString(payload)
    except DecodeError:
        return None
    which = packet.WhichOneof("value")
    if which is None or which == "speaker":
        return None
    identities = list(packet.destination_identities)
    sids: list[str] = []
    if which == "user":
        sids = list(packet.user.destination_sids)
        identities += packet.user.destination_identities
        packet.user.participant_sid = sender.sid
        packet.user.participant_identity = sender.identity
    packet.participant_sid = sender.sid
    packet.participant_identity = sender.identity
    packet.kind = (
        models.DataPacket.Kind.RELIABLE if kind == "reliable" else models.DataPacket.Kind.LOSSY
    )
    return RoutedData(
        payload=packet.SerializeToString(),
        identities=frozenset(identities[:RECEIVERS_LIMIT]),
        sids=frozenset(sids[:RECEIVERS_LIMIT]),
    )
