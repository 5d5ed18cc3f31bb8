"""Pure steps of a participant's row: run, microphone, screen, name (JOIN-5, JOIN-6, MEET-7)."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.model.test_admission import GUEST, MEETING

from moot.model.ids import ConnectionId
from moot.model.meeting import Connection, Settings
from moot.model.participant import (
    allowed_sources,
    ended,
    free_twin,
    joined,
    left,
    muted,
    name_key,
    renewed,
    restricted,
    with_audio,
    with_screen,
    without,
)

ONE, TWO = ConnectionId("one"), ConnectionId("two")
BUSY = replace(
    GUEST,
    status="connected",
    audio=True,
    video=True,
    screen=True,
    microphone_connection=ONE,
    screen_connection=ONE,
    hand_at=5,
    admitted=True,
)
OPEN = Settings()


def link(connection_id: ConnectionId, state="open") -> Connection:
    return Connection(
        id=connection_id,
        participant_id=GUEST.id,
        meeting_uid=GUEST.meeting_uid,
        fence=1,
        state=state,
        created_at=0,
        changed_at=0,
    )


def come(row, connection_id, *others, audio=None, video=None, settings=OPEN):
    return joined(row, connection_id, others=others, audio=audio, video=video, settings=settings)


def test_new_run_starts_afresh() -> None:
    """MEET-7: hand, intents and admission of an ended run are gone; role and removal stay."""
    old = replace(BUSY, run=1, role="host")
    fresh = renewed(old, MEETING)
    assert fresh.run == 2
    assert (fresh.audio, fresh.video, fresh.screen, fresh.admitted) == (False,) * 4
    assert (fresh.hand_at, fresh.microphone_connection, fresh.screen_connection) == (None,) * 3
    assert (fresh.role, fresh.status) == ("host", "disconnected")
    assert renewed(replace(old, status="removed"), MEETING).status == "removed"
    assert renewed(BUSY, MEETING) is BUSY


def test_join_keeps_intents_unless_told() -> None:
    """JOIN-5: what a join leaves out stays as it was; what it says is set."""
    away = left(BUSY, at=9)
    back = come(away, TWO)
    assert (back.audio, back.video, back.microphone_connection) == (True, True, TWO)
    assert (back.status, back.admitted, back.left_at) == ("connected", True, None)
    told = come(away, TWO, audio=False, video=False)
    assert (told.audio, told.video) == (False, False)


def test_second_connection_only_adds() -> None:
    """JOIN-6: beside a live connection a join neither takes the microphone nor switches off."""
    both = come(BUSY, TWO, link(ONE), audio=False, video=False)
    assert (both.audio, both.video, both.screen) == (True, True, True)
    assert both.microphone_connection == ONE
    dark = come(replace(BUSY, video=False), TWO, link(ONE), video=True)
    assert dark.video


def test_lost_holder_gives_way() -> None:
    """JOIN-6: beside lost connections only, a join takes the microphone; the share waits."""
    back = come(BUSY, TWO, link(ONE, "lost"), audio=True)
    assert back.microphone_connection == TWO
    assert back.screen_connection == ONE


def test_guest_comes_in_muted() -> None:
    """HOST-4: a guest who may not unmute cannot do so by joining, but keeps what was on."""
    closed = Settings(guests_may_unmute=False)
    assert not come(GUEST, ONE, audio=True, settings=closed).audio
    assert come(left(BUSY, at=9), ONE, audio=True, settings=closed).audio
    assert come(replace(GUEST, role="host"), ONE, audio=True, settings=closed).audio


def test_closing_the_holder() -> None:
    """JOIN-6, EVENT-4: no other device goes live unasked when the holder closes."""
    rest = without(BUSY, {ONE}, remaining=1)
    assert (rest.audio, rest.microphone_connection) == (False, None)
    assert (rest.screen, rest.screen_connection) == (False, None)
    last = without(BUSY, {ONE}, remaining=0)
    assert (last.audio, last.microphone_connection) == (True, None)
    assert without(BUSY, {TWO}, remaining=1) == BUSY


def test_leaving_and_ending() -> None:
    """JOIN-7, MEET-7: who is away shares nothing and has no hand up."""
    for away in (left(BUSY, at=9), ended(BUSY, at=9)):
        assert (away.status, away.hand_at, away.screen, away.left_at) == (
            "disconnected",
            None,
            False,
            9,
        )
        assert away.microphone_connection is None
    assert ended(replace(GUEST, status="denied"), at=9).status == "disconnected"


def test_mute() -> None:
    """HOST-4: muting switches off what is named and nothing else."""
    assert muted(BUSY, ["microphone"]) == replace(BUSY, audio=False)
    assert muted(BUSY, ["camera"]) == replace(BUSY, video=False)
    assert muted(BUSY, ["screen"]) == replace(BUSY, screen=False, screen_connection=None)
    assert muted(BUSY, []) == BUSY


def test_restriction() -> None:
    """HOST-4: a guest's share ends where guests may not share; a host's goes on."""
    closed = Settings(guests_may_share=False)
    assert not restricted(BUSY, closed).screen
    assert restricted(BUSY, OPEN) is BUSY
    host = replace(BUSY, role="host")
    assert restricted(host, closed) is host


def test_what_is_forwarded() -> None:
    """EVENT-4: only the holder's microphone and screen are forwarded, and nothing of the absent."""
    assert allowed_sources(BUSY, ONE) == {"microphone", "camera", "screen"}
    assert allowed_sources(BUSY, TWO) == {"camera"}
    assert allowed_sources(with_audio(BUSY, True, TWO), TWO) == {"microphone", "camera"}
    assert allowed_sources(with_screen(BUSY, True, TWO), ONE) == {"microphone", "camera"}
    assert "microphone" in allowed_sources(replace(BUSY, status="reconnecting"), ONE)
    for status in ("waiting", "disconnected", "removed", "denied"):
        assert allowed_sources(replace(BUSY, status=status), ONE) == frozenset()


@given(
    st.lists(st.tuples(st.sampled_from([ONE, TWO, ConnectionId("three")]), st.booleans())),
)
def test_one_live_microphone(steps: list[tuple[ConnectionId, bool]]) -> None:
    """JOIN-6: whatever is switched where, at most one connection's microphone is forwarded."""
    row = replace(GUEST, status="connected")
    for connection_id, on in steps:
        row = with_audio(row, on, connection_id)
        live = [
            each
            for each in (ONE, TWO, ConnectionId("three"))
            if "microphone" in allowed_sources(row, each)
        ]
        assert len(live) == (1 if row.audio else 0)


def test_twins() -> None:
    """PERSON-3: twins get the smallest free number, whatever the case or the spaces."""
    assert free_twin("Ana", []) == 1
    assert free_twin(" ANA ", [("Ana", 1)]) == 2
    assert free_twin("ana", [("Ana", 1), ("Ana", 3)]) == 2
    assert free_twin("Bo", [("Ana", 1)]) == 1
    assert name_key("Ana  Berg ") == name_key("ana berg")
