"""One signalling socket: pings answered, silence noticed, floods slowed, garbage refused."""

import pytest
from livekit.protocol import rtc

from moot.signal.protocol import (
    BURST,
    MESSAGE_LIMIT,
    RENEWAL_S,
    SILENCE_S,
    STEPS,
    TURN,
    Due,
    MessageMalformed,
    SignalProtocol,
)


def response(protocol: SignalProtocol) -> rtc.SignalResponse:
    (message,) = protocol.messages_to_send()
    return rtc.SignalResponse.FromString(message)


def test_both_pings_are_answered() -> None:
    """JOIN-4: a client that pings hears back at once, or it would call its socket dead."""
    protocol = SignalProtocol(0)
    assert protocol.receive(rtc.SignalRequest(ping=5).SerializeToString(), 1, 1234) is None
    assert response(protocol).pong == 1234
    ping = rtc.SignalRequest(ping_req=rtc.Ping(timestamp=77))
    assert protocol.receive(ping.SerializeToString(), 1, 1234) is None
    answer = response(protocol).pong_resp
    assert (answer.last_ping_timestamp, answer.timestamp) == (77, 1234)


def test_requests_pass() -> None:
    """What is not the socket's own business is handed on; what is sent keeps its order."""
    protocol = SignalProtocol(0)
    sent = rtc.SignalRequest(mute={"sid": "TR_x", "muted": True})
    assert protocol.receive(sent.SerializeToString(), 1, 1) == sent
    protocol.send(b"1")
    protocol.send(b"2")
    assert protocol.messages_to_send() == [b"1", b"2"]
    assert protocol.messages_to_send() == []


@pytest.mark.parametrize("message", [None, b"\xff\xff\xff\xff", b"\0" * (MESSAGE_LIMIT + 1)])
def test_garbage_is_refused(message: bytes | None) -> None:
    """ERR-1: text, broken protobuf and oversized frames end the socket that sent them."""
    with pytest.raises(MessageMalformed):
        SignalProtocol(0).receive(message, 1, 1)


def test_unknown_messages_of_newer_clients_pass() -> None:
    """A message kind that we do not know is a message still."""
    request = SignalProtocol(0).receive(b"\xfa\x3f\x01x", 1, 1)
    assert request is not None
    assert request.WhichOneof("message") is None


def test_silence_is_noticed() -> None:
    """JOIN-4: a socket that says nothing for long is dead; any message keeps it alive."""
    protocol = SignalProtocol(0)
    assert protocol.handle_timeout(SILENCE_S - 1) is None
    protocol.receive(rtc.SignalRequest(ping=1).SerializeToString(), SILENCE_S - 1, 1)
    assert protocol.handle_timeout(SILENCE_S) is None
    assert protocol.handle_timeout(2 * SILENCE_S) is Due.CLOSE


def test_tickets_are_renewed_now_and_then() -> None:
    """A connected client always holds a token with which it could come back."""
    protocol = SignalProtocol(0)
    protocol.receive(rtc.SignalRequest(ping=1).SerializeToString(), RENEWAL_S - 1, 1)
    assert protocol.handle_timeout(RENEWAL_S - 1) is None
    assert protocol.handle_timeout(RENEWAL_S) is Due.RENEW_TICKET
    assert protocol.handle_timeout(RENEWAL_S) is None


def test_a_flood_is_slowed_and_then_forgiven() -> None:
    """EVENT-5: a client that sends too much waits; nobody else does."""
    protocol = SignalProtocol(0)
    message = rtc.SignalRequest(mute={"sid": "x"}).SerializeToString()
    for _ in range(int(BURST)):
        protocol.receive(message, 0, 1)
    assert protocol.pause_s() == 0
    protocol.receive(message, 0, 1)
    pause = protocol.pause_s()
    assert 0 < pause < 1
    protocol.receive(message, 60, 1)
    assert protocol.pause_s() == 0


def test_what_a_message_sets_in_motion_counts() -> None:
    """EVENT-5: few messages that set much in motion are a flood; a page that asks once is none."""
    protocol = SignalProtocol(0)
    message = rtc.SignalRequest(track_setting={"disabled": True}).SerializeToString()
    for _ in range(200):
        protocol.receive(message, 0, 1)
        protocol.count_steps(1)
    assert protocol.pause_s() == 0
    for _ in range(2):
        protocol.receive(message, 0, 1)
        protocol.count_steps(int(BURST) * STEPS * 1000)
    assert 0 < protocol.pause_s() < 2


def test_a_turn_ends_after_some_messages() -> None:
    """EVENT-5: a client that says much at once lets others have their turn; a join says less."""
    protocol = SignalProtocol(0)
    message = rtc.SignalRequest(mute={"sid": "x"}).SerializeToString()
    ends = []
    for _ in range(2 * int(TURN)):
        protocol.receive(message, 0, 1)
        ends.append(protocol.ends_turn())
    assert [number for number, is_over in enumerate(ends, 1) if is_over] == [TURN, 2 * TURN]
    protocol.count_steps(int(TURN) * STEPS)
    assert protocol.ends_turn()
