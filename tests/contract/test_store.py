"""What every store promises: meetings, participants, connections."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import asdict, replace
from tests.contract.seats import (
    NOW,
    create_or_get,
    join,
    new_connection,
    new_id,
    new_meeting,
    new_participant,
    new_person,
    new_process,
    seated,
)

from moot.errors import Problem
from moot.model.ids import ConnectionId, MeetingId, MeetingUid, ParticipantId
from moot.model.meeting import Meeting, Settings
from moot.store.port import Store, Transaction

_SETTINGS = Settings(
    title="Zoë's „stand-up“ 🎉",
    lobby=True,
    locked=True,
    guests_may_share=False,
    guests_may_chat=False,
    guests_may_unmute=False,
    max_participants=7,
)


class TestTransactions:
    async def test_work_that_raises_leaves_nothing_behind(self, store: Store) -> None:
        """ERR-1: a command that fails half way changes nothing, whatever others do beside it."""
        meeting = new_meeting()
        await store.write(lambda t: t.insert_meeting(meeting))

        def fail(t: Transaction) -> None:
            t.append_event(meeting.uid, type="x", at=NOW, body=b"{}")
            t.upsert_participant(new_participant(meeting))
            raise Problem("meeting_locked")

        def succeed(t: Transaction) -> int:
            return t.append_event(meeting.uid, type="x", at=NOW, body=b"{}").event_seq

        works = [store.write(fail if at % 2 else succeed) for at in range(20)]
        answers = await asyncio.gather(*works, return_exceptions=True)
        assert sorted(a for a in answers if isinstance(a, int)) == list(range(1, 11))
        assert sum(isinstance(a, Problem) for a in answers) == 10
        events = await store.read(lambda t: t.list_events(meeting.uid, after=0, limit=100))
        assert [event.event_seq for event in events] == list(range(1, 11))
        statuses = ("connected",)
        count = await store.read(lambda t: t.count_participants(meeting.uid, statuses=statuses))
        assert count == 0

    async def test_a_caller_that_stops_waiting_disturbs_nobody(self, store: Store) -> None:
        """JOIN-10: what a cancelled caller asked for is done or not done, and the next one is."""
        meeting = new_meeting()
        await store.write(lambda t: t.insert_meeting(meeting))
        work = lambda t: t.append_event(meeting.uid, type="x", at=NOW, body=b"{}")  # noqa: E731
        tasks = [asyncio.ensure_future(store.write(work)) for _ in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        kept = [answer for answer in answers if not isinstance(answer, BaseException)]
        assert len(kept) >= 10
        stored = await store.read(lambda t: t.list_events(meeting.uid, after=0, limit=100))
        assert set(kept) <= set(stored)
        assert [event.event_seq for event in stored] == list(range(1, len(stored) + 1))

    async def test_a_closed_store_says_that_it_is_unavailable(self, store: Store) -> None:
        """ERR-1: a store that is closed answers with a problem, and closes twice in peace."""
        await store.close()
        await store.close()
        for ask in (store.read, store.write):
            with pytest.raises(Problem) as caught:
                await ask(lambda t: t.find_meeting(MeetingId("ABC")))
            assert caught.value.kind.id == "unavailable"
        with pytest.raises(Problem):
            await store.check()

    async def test_migrating_and_opening_again_changes_nothing(self, store: Store) -> None:
        """JOIN-10: a second start finds the first one's schema and rows."""
        meeting = new_meeting()
        await store.write(lambda t: t.insert_meeting(meeting))
        assert await store.migrate() == []
        await store.open()
        await store.check()
        assert await store.read(lambda t: t.find_meeting(meeting.id)) == meeting


class TestMeetings:
    async def test_what_is_stored_comes_back_as_it_was(self, store: Store) -> None:
        """JOIN-10: every field of a meeting survives, whatever the text in it."""
        meeting = new_meeting(
            "ABC123",
            run=3,
            epoch=4,
            event_seq=5,
            version=6,
            settings=_SETTINGS,
            passcode_hash="$argon2id$…",
            ended_at=NOW + 1,
            active_at=NOW + 2,
        )
        assert await store.write(lambda t: t.insert_meeting(meeting)) == meeting
        assert await store.read(lambda t: t.find_meeting(MeetingId("ABC123"))) == meeting
        assert await store.read(lambda t: t.find_meeting(MeetingId("ABC124"))) is None

    async def test_a_taken_meeting_id_is_not_an_error(self, store: Store) -> None:
        """MEET-2: creating what exists gives what exists, and leaves it as it is."""
        first, second = new_meeting("ABC"), new_meeting("ABC")
        assert await store.write(lambda t: create_or_get(t, first)) == (first, True)
        assert await store.write(lambda t: t.insert_meeting(second)) is None
        assert await store.write(lambda t: create_or_get(t, second)) == (first, False)

    async def test_settings_change_once_per_version(self, store: Store) -> None:
        """ERR-1: of two hosts that change the same version, one is told that it was late."""
        meeting = new_meeting()
        await store.write(lambda t: t.insert_meeting(meeting))

        def change(t: Transaction) -> Meeting | None:
            return t.update_settings(
                meeting.uid, settings=_SETTINGS, passcode_hash="hash", expected_version=1
            )

        answers = await asyncio.gather(*(store.write(change) for _ in range(5)))
        changed = [answer for answer in answers if answer]
        expected = replace(meeting, settings=_SETTINGS, passcode_hash="hash", version=2)
        assert changed == [expected]
        assert await store.read(lambda t: t.find_meeting(meeting.id)) == expected

    async def test_a_run_ends_once(self, store: Store) -> None:
        """MEET-7: ending the same run twice ends one run."""
        meeting = new_meeting()
        await store.write(lambda t: t.insert_meeting(meeting))
        ended = await store.write(lambda t: t.end_run(meeting.uid, run=1, at=NOW + 5))
        assert ended == replace(meeting, run=2, ended_at=NOW + 5)
        assert await store.write(lambda t: t.end_run(meeting.uid, run=1, at=NOW + 6)) is None
        assert await store.read(lambda t: t.find_meeting(meeting.id)) == ended

    async def test_presence_is_noted(self, store: Store) -> None:
        """MEET-7: when somebody was last there is kept for retention."""
        meeting = new_meeting()
        await store.write(lambda t: t.insert_meeting(meeting))
        await store.write(lambda t: t.touch_meeting(meeting.uid, at=NOW + 9))
        found = await store.write(lambda t: t.lock_meeting(meeting.id))
        assert found == replace(meeting, active_at=NOW + 9)

    async def test_meetings_are_listed_in_pages(self, store: Store) -> None:
        """MEET-1: Meeting IDs sort by their characters on every database."""
        codes = ["Z9", "A10", "A1", "0AA", "AB", "B"]
        for code in codes:
            await store.write(lambda t, code=code: t.insert_meeting(new_meeting(code)))
        first = await store.read(lambda t: t.list_meetings(after=None, limit=4))
        assert [meeting.id for meeting in first] == sorted(codes)[:4]
        rest = await store.read(lambda t: t.list_meetings(after=first[-1].id, limit=4))
        assert [meeting.id for meeting in rest] == sorted(codes)[4:]


class TestParticipants:
    async def test_every_field_comes_back_as_it_was(self, store: Store) -> None:
        """HOST-1: role, intents, hand and name of a person survive."""
        meeting, _ = await seated(store)
        connection = ConnectionId(new_id())
        given = new_participant(
            meeting,
            name="Bjørn 🎈 '; DROP TABLE participant; --",
            role="host",
            status="reconnecting",
            joined_at=NOW + 1,
            changed_at=NOW + 2,
            run=2,
            fence=4,
            audio=True,
            video=True,
            screen=True,
            microphone_connection=connection,
            screen_connection=connection,
            hand_at=NOW + 3,
            admitted=True,
            verified=True,
            left_at=NOW + 4,
            twin=2,
        )
        plain = new_participant(meeting)
        assert all(
            value != asdict(plain)[name]
            for name, value in asdict(given).items()
            if name != "meeting_uid"
        ), "a field has no value of its own here, so this test would not see it lost"
        stored = await store.write(lambda t: t.upsert_participant(given))
        assert stored == replace(given, fence=5)
        found = await store.read(lambda t: t.find_participant(meeting.uid, given.person_id))
        assert found == stored
        found = await store.read(lambda t: t.find_participant_by_id(meeting.uid, given.id))
        assert found == stored

    async def test_a_person_has_one_seat_for_ever(self, store: Store) -> None:
        """JOIN-1: joining again gives the same id, the first time of joining and the same role."""
        meeting, first = await seated(store, role="host", fence=0)
        again = new_participant(
            meeting,
            person_id=first.person_id,
            name="Ana Again",
            status="reconnecting",
            joined_at=NOW + 50,
            changed_at=NOW + 50,
            run=3,
            fence=99,
            audio=True,
            video=True,
            screen=True,
            microphone_connection="m",
            screen_connection="s",
            hand_at=NOW + 1,
            admitted=True,
            verified=True,
            left_at=NOW + 2,
            twin=4,
        )
        stored = await store.write(lambda t: t.upsert_participant(again))
        expected = replace(again, id=first.id, joined_at=NOW, role="host", fence=2)
        assert stored == expected
        assert (
            await store.read(lambda t: t.find_participant(meeting.uid, first.person_id)) == stored
        )

    async def test_the_same_person_elsewhere_is_another_participant(self, store: Store) -> None:
        """JOIN-1: a seat belongs to one meeting; its id says nothing in another."""
        _, here = await seated(store)
        other, there = await seated(store, person_id=here.person_id)
        assert here.id != there.id
        assert await store.read(lambda t: t.find_participant_by_id(other.uid, here.id)) is None
        assert await store.read(lambda t: t.find_participant(other.uid, new_person())) is None

    async def test_an_update_cannot_move_a_seat(self, store: Store) -> None:
        """JOIN-3: an update writes state, but never id, person, first join or fence."""
        meeting, seat = await seated(store)
        changed = replace(
            seat,
            person_id=new_person(),
            name="New",
            role="host",
            status="removed",
            joined_at=1,
            changed_at=NOW + 1,
            run=9,
            fence=50,
            audio=True,
            video=True,
            screen=True,
            microphone_connection="m",
            screen_connection="s",
            hand_at=3,
            admitted=True,
            verified=True,
            left_at=4,
            twin=5,
        )
        stored = await store.write(lambda t: t.update_participant(changed))
        assert stored == replace(changed, person_id=seat.person_id, joined_at=NOW, fence=seat.fence)
        assert await store.read(lambda t: t.find_participant_by_id(meeting.uid, seat.id)) == stored

    async def test_lists_and_counts_look_at_the_status(self, store: Store) -> None:
        """JOIN-9: who is in, who waits and who is away are told apart, first come first."""
        meeting, _ = await seated(store, status="removed", role="host")
        await seated(store)
        statuses = ("connected", "waiting", "reconnecting", "connected")
        for at, status in enumerate(statuses):
            seat = new_participant(meeting, status=status, joined_at=NOW - at, role="host")
            await store.write(lambda t, seat=seat: t.upsert_participant(seat))
        here = ("connected", "reconnecting")
        found = await store.read(lambda t: t.list_participants(meeting.uid, statuses=here))
        assert [row.joined_at for row in found] == [NOW - 3, NOW - 2, NOW]
        assert await store.read(lambda t: t.count_participants(meeting.uid, statuses=here)) == 3
        assert await store.read(lambda t: t.count_participants(meeting.uid, statuses=())) == 0
        assert await store.read(lambda t: t.count_hosts(meeting.uid)) == 4


class TestConnections:
    async def test_a_repeat_is_the_same_connection(self, store: Store) -> None:
        """JOIN-3: joining again with the same connection id raises its fence, and no more."""
        _, seat = await seated(store)
        first = new_connection(seat, device="Firefox on Linux", process_id="p1", state="open")
        assert await store.write(lambda t: t.upsert_connection(first)) == first
        again = replace(
            first,
            fence=7,
            state="pending",
            process_id=None,
            created_at=NOW + 5,
            changed_at=NOW + 5,
            device="Other",
        )
        stored = await store.write(lambda t: t.upsert_connection(again))
        assert stored == replace(again, created_at=NOW, device="Firefox on Linux")
        assert await store.read(lambda t: t.find_connection(first.id)) == stored

    async def test_nobody_takes_the_connection_of_another(self, store: Store) -> None:
        """PERSON-2: knowing a connection's id does not make it one's own."""
        meeting, seat = await seated(store)
        mine = new_connection(seat)
        await store.write(lambda t: t.upsert_connection(mine))
        thief = await store.write(lambda t: t.upsert_participant(new_participant(meeting)))
        theirs = new_connection(thief, id=mine.id)
        assert await store.write(lambda t: t.upsert_connection(theirs)) is None
        assert await store.read(lambda t: t.find_connection(mine.id)) == mine
        assert await store.read(lambda t: t.find_connection(ConnectionId(new_id()))) is None

    async def test_an_older_fence_changes_nothing(self, store: Store) -> None:
        """JOIN-3: a change by somebody who held an older fence is refused."""
        _, seat = await seated(store)
        connection = new_connection(seat, fence=5)
        await store.write(lambda t: t.upsert_connection(connection))
        lost = replace(
            connection, state="lost", process_id="p", changed_at=NOW + 1, fence=9, device="x"
        )
        assert await store.write(lambda t: t.update_connection(lost, expected_fence=4)) is None
        assert await store.read(lambda t: t.find_connection(connection.id)) == connection
        stored = await store.write(lambda t: t.update_connection(lost, expected_fence=5))
        assert stored == replace(connection, state="lost", process_id="p", changed_at=NOW + 1)
        gone = replace(lost, id=ConnectionId(new_id()))
        assert await store.write(lambda t: t.update_connection(gone, expected_fence=5)) is None

    async def test_connections_are_listed_counted_and_closed(self, store: Store) -> None:
        """JOIN-6: several tabs are several connections of one participant."""
        meeting, seat = await seated(store)
        other = await store.write(lambda t: t.upsert_participant(new_participant(meeting)))
        states = ("open", "lost", "pending", "closed")
        mine = [new_connection(seat, state=s, created_at=NOW - n) for n, s in enumerate(states)]
        theirs = new_connection(other, state="open", process_id="p")
        for connection in (*mine, theirs):
            await store.write(lambda t, connection=connection: t.upsert_connection(connection))
        live = ("open", "lost", "pending")
        found = await store.read(lambda t: t.list_connections(seat.id, states=live))
        assert found == [mine[2], mine[1], mine[0]]
        found = await store.read(
            lambda t: t.list_meeting_connections(meeting.uid, states=("open",))
        )
        assert {row.id for row in found} == {mine[0].id, theirs.id}
        counts = await store.read(lambda t: t.connection_counts(meeting.uid))
        assert counts == {seat.id: 3, other.id: 1}
        closed = await store.write(lambda t: t.close_connections(seat.id, at=NOW + 1))
        assert set(closed) == {connection.id for connection in mine[:3]}
        assert await store.write(lambda t: t.close_connections(seat.id, at=NOW + 2)) == []
        row = await store.read(lambda t: t.find_connection(mine[0].id))
        assert row == replace(mine[0], state="closed", process_id=None, changed_at=NOW + 1)
        assert await store.read(lambda t: t.connection_counts(meeting.uid)) == {other.id: 1}
        assert await store.read(lambda t: t.find_connection(theirs.id)) == theirs

    async def test_all_connections_of_a_meeting_are_closed_at_once(self, store: Store) -> None:
        """MEET-7: the end of a run closes every connection, whoever's it is, and no other's."""
        meeting, seat = await seated(store)
        other = await store.write(
            lambda t: t.upsert_participant(new_participant(meeting, status="disconnected"))
        )
        _, elsewhere = await seated(store)
        closed = new_connection(seat, state="closed")
        alive = [
            new_connection(seat, state="pending"),
            new_connection(seat, state="lost", process_id="p"),
            new_connection(other, state="open", process_id="p"),
        ]
        apart = new_connection(elsewhere, state="open", process_id="p")
        for connection in (closed, *alive, apart):
            await store.write(lambda t, connection=connection: t.upsert_connection(connection))
        counts = [
            await store.write(
                lambda t, at=at: t.close_meeting_connections(meeting.uid, at=NOW + at)
            )
            for at in (1, 2)
        ]
        assert counts == [3, 0]
        for row in alive:
            found = await store.read(lambda t, row=row: t.find_connection(row.id))
            assert found == replace(row, state="closed", process_id=None, changed_at=NOW + 1)
        for row in (closed, apart):
            assert await store.read(lambda t, row=row: t.find_connection(row.id)) == row

    async def test_connections_of_a_dead_process_are_found(self, store: Store) -> None:
        """JOIN-10: whoever was held by a killed process is found, the longest unchanged first."""
        meeting, seat = await seated(store)
        alive, dead = new_process(), new_process(heartbeat_at=NOW - 100)
        holders = [(alive.id, 0), (dead.id, 2), ("never-heard-of", 3), (None, 1)]
        connections = [
            new_connection(seat, state="open", process_id=holder, changed_at=NOW + at)
            for holder, at in holders
        ]

        def work(t: Transaction) -> None:
            t.upsert_process(alive)
            t.upsert_process(dead)
            for connection in connections:
                t.upsert_connection(connection)
            t.upsert_connection(new_connection(seat, state="lost", process_id=dead.id))

        await store.write(work)
        found = await store.read(lambda t: t.orphaned_connections(alive_since=NOW, limit=10))
        assert found == [(meeting.id, connections[at]) for at in (3, 1, 2)]
        found = await store.read(lambda t: t.orphaned_connections(alive_since=NOW, limit=2))
        assert found == [(meeting.id, connections[at]) for at in (3, 1)]

    async def test_connections_whose_linger_time_is_over_are_found(self, store: Store) -> None:
        """JOIN-4: after the linger time a lost connection is found, the longest lost first."""
        meeting, seat = await seated(store)
        rows = [("lost", 2), ("pending", 1), ("open", 0), ("closed", 0), ("lost", 9)]
        connections = [new_connection(seat, state=s, changed_at=NOW + at) for s, at in rows]
        for connection in connections:
            await store.write(lambda t, connection=connection: t.upsert_connection(connection))
        found = await store.read(lambda t: t.overdue_connections(before=NOW + 9, limit=10))
        assert found == [(meeting.id, connections[1]), (meeting.id, connections[0])]
        found = await store.read(lambda t: t.overdue_connections(before=NOW + 9, limit=1))
        assert found == [(meeting.id, connections[1])]


class TestJoining:
    async def test_one_person_in_twenty_tabs_is_one_participant(self, store: Store) -> None:
        """JOIN-2: N joins at once are one participant, N connections and one joined event."""
        meeting = new_meeting()
        await store.write(lambda t: t.insert_meeting(meeting))
        person = new_person()
        works = [store.write(lambda t: join(t, meeting.id, person)) for _ in range(20)]
        seats = await asyncio.gather(*works)
        assert len({seat.id for seat in seats}) == 1
        assert sorted(seat.fence for seat in seats) == list(range(1, 21))
        counts = await store.read(lambda t: t.connection_counts(meeting.uid))
        assert counts == {ParticipantId(seats[0].id): 20}
        events = await store.read(lambda t: t.list_events(meeting.uid, after=0, limit=100))
        kinds = [event.type for event in events]
        assert kinds == ["participant.joined"] + ["participant.updated"] * 19

    async def test_a_meeting_nobody_created_has_no_row(self, store: Store) -> None:
        """MEET-6: locking what does not exist finds nothing."""
        assert await store.write(lambda t: t.lock_meeting(MeetingId("NOBODY"))) is None
        heads = await store.read(lambda t: t.event_heads([MeetingUid(new_id())]))
        assert heads == {}
