"""A watcher's queue is bounded, keeps the order and never waits (EVENT-5)."""

from moot.control.watcher import QUEUE_MESSAGES, Watcher


def make(*, limit_bytes: int = 1_000_000) -> Watcher:
    return Watcher(
        "ABC",  # type: ignore[arg-type]
        "c",  # type: ignore[arg-type]
        fence=1,
        opened_at=(1, 0),
        participant_id="p",  # type: ignore[arg-type]
        is_host=False,
        is_waiting=False,
        limit_bytes=limit_bytes,
        tell_typing=lambda watcher, to: None,
    )


def test_nothing_before_the_start() -> None:
    """EVENT-2: what comes while the snapshot is read follows it, without what it holds already."""
    watcher = make()
    for n in (3, 4, 5, 6):
        watcher.put(n, f"e{n}")
    watcher.start(4, ["hello"])
    watcher.put(6, "again")
    watcher.put(7, "e7")
    assert list(watcher.take()) == ["hello", "e5", "e6", "e7"]
    assert watcher.event_seq == 7


def test_holding_again() -> None:
    """EVENT-2: a second snapshot keeps the order as well."""
    watcher = make()
    watcher.start(1, ["hello"])
    watcher.put(2, "e2")
    watcher.hold()
    watcher.put(3, "e3")
    watcher.put(4, "e4")
    watcher.start(3, ["snapshot"])
    assert list(watcher.take()) == ["hello", "e2", "snapshot", "e4"]


def test_a_reader_that_waits_is_told_once() -> None:
    """EVENT-5: the first message calls the reader, who finds those that followed it as well."""
    watcher = make()
    watcher.start(0, [])
    told: list[str] = []
    watcher.wait(lambda: told.append("come"))
    assert told == []
    watcher.put(1, "e1")
    watcher.put(2, "e2")
    assert told == ["come"]
    assert list(watcher.take()) == ["e1", "e2"]
    watcher.put(3, "e3")
    assert told == ["come"], "a reader that is busy is not called"
    watcher.wait(lambda: told.append("again"))
    assert told == ["come", "again"]
    assert list(watcher.take()) == ["e3"]


def test_ending_is_read_to_the_end() -> None:
    """EVENT-5: what was queued before the end is still read; the first reason counts."""
    watcher = make()
    watcher.start(0, ["hello"])
    watcher.put(1, "e1")
    watcher.close("meeting_ended")
    watcher.close("left")
    watcher.put(2, "late")
    watcher.say("late")
    watcher.pass_on("", "late")
    assert watcher.ending == "meeting_ended"
    assert list(watcher.take()) == ["hello", "e1"]
    assert list(watcher.take()) == []


def test_waiting_reader_is_woken_by_the_end() -> None:
    """EVENT-5: a reader that waits sees the end at once."""
    watcher = make()
    watcher.start(0, [])
    told: list[str] = []
    watcher.wait(lambda: told.append("come"))
    watcher.close("restarting")
    assert told == ["come"]
    assert list(watcher.take()) == []
    watcher.wait(lambda: told.append("ended"))
    assert told == ["come", "ended"]


def test_message_bound() -> None:
    """EVENT-5: one message more than the bound ends the stream, and frees what waited."""
    watcher = make()
    watcher.start(0, ["hello"] * 1000)
    for n in range(1, QUEUE_MESSAGES + 1):
        watcher.put(n, "e")
    assert watcher.ending is None
    watcher.put(QUEUE_MESSAGES + 1, "e")
    assert watcher.ending == "slow_reader"
    assert list(watcher.take()) == []


def test_byte_bound() -> None:
    """EVENT-5: few large messages count as much as many small ones."""
    watcher = make(limit_bytes=100)
    watcher.start(0, ["hello" * 100])
    watcher.put(1, "x" * 100)
    assert watcher.ending is None
    watcher.put(2, "x")
    assert watcher.ending == "slow_reader"


def test_burst_to_a_waiting_reader_is_bounded_too() -> None:
    """EVENT-5: a burst may be long, but not endless."""
    watcher = make(limit_bytes=100)
    watcher.start(0, [])
    watcher.wait(lambda: None)
    for n in range(1, 5):
        watcher.put(n, "x" * 100)
    assert watcher.ending is None
    watcher.put(5, "x")
    assert watcher.ending == "slow_reader"
    assert list(watcher.take()) == []


def test_held_messages_are_bounded() -> None:
    """EVENT-5: a snapshot that takes for ever does not keep everything."""
    watcher = make()
    for n in range(1, 10 * QUEUE_MESSAGES):
        watcher.put(n, "e")
    assert watcher.ending == "slow_reader"
    watcher.start(0, ["hello"])
    assert list(watcher.take()) == []


def test_ephemeral_is_dropped_first() -> None:
    """EVENT-5: a reader who is behind gets no ephemeral messages, and is not cut off for them."""
    watcher = make()
    watcher.start(0, [])
    for n in range(10_000):
        watcher.pass_on("", f"r{n}")
    assert watcher.ending is None
    first = watcher.take()
    assert len(first) == 128
    for n in range(1, QUEUE_MESSAGES + 1):
        watcher.put(n, "e")
    watcher.pass_on("", "late")
    assert "late" not in watcher.take()
