"""The event stream's state machine, with time as an argument."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moot.realtime.protocol import (
    BURST,
    HELLO_WITHIN_S,
    LIMIT_BYTES,
    PING_EVERY_S,
    Close,
    Hello,
    Send,
    Stream,
    Typing,
)

HELLO = '{"type":"hello","connection_id":"c","token":"t","fence":3}'


def opened() -> Stream:
    stream = Stream(now=0.0)
    assert isinstance(stream.handle_text(HELLO, now=0.0), Hello)
    return stream


def test_hello_says_which_connection_and_what_it_has():
    """EVENT-2: `since` says what the client has, and may be left out."""
    text = HELLO[:-1] + ',"since":{"epoch":1,"event_seq":7}}'
    hello = Stream(now=0.0).handle_text(text, now=0.0)
    assert isinstance(hello, Hello)
    assert (hello.fence, hello.since.event_seq) == (3, 7)


def test_stream_without_hello_is_closed_after_ten_seconds():
    """Who opens a socket and says nothing does not hold it."""
    stream = Stream(now=100.0)
    assert stream.handle_time(now=100.0 + HELLO_WITHIN_S - 0.1) is None
    assert stream.handle_time(now=100.0 + HELLO_WITHIN_S) == Close("hello_expected")


@pytest.mark.parametrize(
    "text", ['{"type":"ping","id":1}', "[]", "nonsense", "", '{"type":"event"}', "null"]
)
def test_anything_but_hello_first_closes(text):
    """Before the hello nothing is answered."""
    assert Stream(now=0.0).handle_text(text, now=0.0) == Close("hello_expected")


def test_second_hello_closes():
    """A connection is one connection for its whole life."""
    assert opened().handle_text(HELLO, now=0.0) == Close("message_invalid")


@pytest.mark.parametrize("ping_id", [1, -5, "abc", ""])
def test_ping_is_answered_with_its_id(ping_id):
    """The answer carries the very id that was sent."""
    text = json.dumps({"type": "ping", "id": ping_id})
    answer = opened().handle_text(text, now=0.0)
    assert isinstance(answer, Send)
    assert json.loads(answer.text) == {"type": "pong", "id": ping_id}


def test_typing_is_passed_on():
    """EVENT-3: typing is unnumbered."""
    assert opened().handle_text('{"type":"typing"}', now=0.0) == Typing()


def test_two_missed_answers_close_the_stream():
    """JOIN-4: a dead line is known after two pings without an answer."""
    stream, now, sent = opened(), 0.0, 0
    while True:
        now += 0.5
        action = stream.handle_time(now=now)
        if isinstance(action, Send):
            assert json.loads(action.text)["type"] == "ping"
            sent += 1
        elif action is not None:
            break
    assert action == Close("ping_timeout")
    assert sent == 2
    assert now == pytest.approx(3 * PING_EVERY_S, abs=0.6)


def test_answers_keep_the_stream_open():
    """A client that answers stays for as long as it likes."""
    stream, now = opened(), 0.0
    for _ in range(1000):
        now += 0.5
        action = stream.handle_time(now=now)
        assert not isinstance(action, Close)
        if isinstance(action, Send):
            ping = json.loads(action.text)["id"]
            stream.handle_text(json.dumps({"type": "pong", "id": ping}), now=now)


def test_made_up_answers_do_not_count():
    """A pong to a ping that was never sent proves nothing."""
    stream, now = opened(), 0.0
    ended = None
    while now < 60 and ended is None:
        now += 1.0
        stream.handle_text('{"type":"pong","id":999}', now=now)
        action = stream.handle_time(now=now)
        ended = action if isinstance(action, Close) else None
    assert ended == Close("ping_timeout")


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"ping"}',
        '{"type":"ping","id":null}',
        '{"type":"ping","id":1,"more":1}',
        '{"type":"ping","id":"' + "x" * 65 + '"}',
        '{"type":"typing","to":5}',
        '{"type":"what"}',
        '{"id":1}',
        "[" * 5000,
        '{"type":"typing","to":"\ud800"}',
        "x" * (LIMIT_BYTES + 1),
        "é" * (LIMIT_BYTES // 2 + 1),
    ],
)
def test_malformed_message_closes_only_its_sender(text):
    """ERR-1: whatever a client sends costs that client its stream, and nothing else."""
    assert opened().handle_text(text, now=0.0) == Close("message_invalid")


def test_flood_is_cut_off():
    """More messages than any client needs are not read on and on."""
    stream = opened()
    actions = [stream.handle_text('{"type":"ping","id":1}', now=1.0) for _ in range(int(BURST) + 5)]
    assert actions[-1] == Close("rate_limited")
    assert isinstance(actions[10], Send)


def test_a_steady_client_is_never_cut_off():
    """Five messages a second, for an hour, are all answered."""
    stream = opened()
    for number in range(18_000):
        assert isinstance(stream.handle_text('{"type":"ping","id":1}', now=number / 5), Send)


@given(st.lists(st.one_of(st.text(max_size=40), st.just(HELLO), st.binary(max_size=30))))
def test_nothing_a_client_sends_raises(messages):
    """ERR-1: every text is answered by an action, never by an exception."""
    stream = Stream(now=0.0)
    for message in messages:
        text = message if isinstance(message, str) else message.decode("latin-1")
        action = stream.handle_text(text, now=0.0)
        assert action is None or isinstance(action, Send | Close | Hello | Typing)
