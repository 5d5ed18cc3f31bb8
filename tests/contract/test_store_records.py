"""What every store promises: chat, events, idempotency keys, processes, retention."""

from __future__ import annotations

import random

from msgspec.structs import replace
from tests.contract.seats import (
    NOW,
    new_connection,
    new_id,
    new_message,
    new_participant,
    new_person,
    new_process,
    seated,
)

from moot.model.ids import MeetingUid, MessageId, ParticipantId
from moot.model.meeting import MediaLease
from moot.store.port import Store, Transaction


class TestChat:
    async def test_a_repeat_posts_once(self, store: Store) -> None:
        """ERR-1: a message whose id is known is the message that was posted."""
        _, seat = await seated(store)
        message = new_message(
            seat,
            text="Grüße 👋\n'; --",
            to=ParticipantId(new_id()),
            reply_to=MessageId(new_id()),
            edited_at=NOW + 1,
            deleted_at=NOW + 2,
        )
        assert await store.write(lambda t: t.insert_message(message)) == message
        again = replace(message, text="Other")
        assert await store.write(lambda t: t.insert_message(again)) is None
        found = await store.read(lambda t: t.find_message(seat.meeting_uid, message.id))
        assert found == message
        elsewhere = MeetingUid(new_id())
        assert await store.read(lambda t: t.find_message(elsewhere, message.id)) is None

    async def test_an_edit_changes_the_words_only(self, store: Store) -> None:
        """ERR-1: editing and deleting keep sender, time and place of a message."""
        _, seat = await seated(store)
        message = new_message(seat)
        await store.write(lambda t: t.insert_message(message))
        changed = replace(
            message,
            text="",
            edited_at=NOW + 1,
            deleted_at=NOW + 2,
            name="X",
            posted_at=1,
            event_seq=9,
        )
        stored = await store.write(lambda t: t.update_message(changed))
        assert stored == replace(message, text="", edited_at=NOW + 1, deleted_at=NOW + 2)
        found = await store.read(lambda t: t.find_message(seat.meeting_uid, message.id))
        assert found == stored

    async def test_readers_see_what_is_theirs(self, store: Store) -> None:
        """PERSON-2: a private message is read by its sender and its receiver, and nobody else."""
        meeting, ana = await seated(store)
        ben, eve = [
            await store.write(lambda t: t.upsert_participant(new_participant(meeting)))
            for _ in range(2)
        ]
        public = new_message(ana)
        private = new_message(ana, to=ben.id, event_seq=2)
        reply = new_message(ben, to=ana.id, event_seq=3)
        old = new_message(ana, run=2)
        for message in (public, private, reply, old):
            await store.write(lambda t, message=message: t.insert_message(message))

        async def seen(reader: ParticipantId | None) -> list[MessageId]:
            found = await store.read(
                lambda t: t.list_messages(meeting.uid, run=1, reader=reader, before=None, limit=10)
            )
            return [message.id for message in found]

        everything = [public.id, private.id, reply.id]
        assert await seen(ana.id) == everything
        assert await seen(ben.id) == everything
        assert await seen(eve.id) == [public.id]
        assert await seen(None) == [public.id]

    async def test_the_newest_come_first_and_pages_fit(self, store: Store) -> None:
        """MEET-7: chat is read backwards in pages, by its events, even where clocks disagree."""
        meeting, seat = await seated(store)
        posted = [new_message(seat, event_seq=7 + at, posted_at=NOW - at // 3) for at in range(10)]
        for message in random.sample(posted, len(posted)):
            await store.write(lambda t, message=message: t.insert_message(message))

        def page(t: Transaction, before: MessageId | None) -> list[MessageId]:
            found = t.list_messages(meeting.uid, run=1, reader=seat.id, before=before, limit=4)
            return [message.id for message in found]

        pages = []
        before: MessageId | None = None
        while found := await store.read(lambda t, before=before: page(t, before)):
            pages = found + pages
            before = found[0]
        assert pages == [message.id for message in posted]
        assert await store.read(lambda t: page(t, MessageId(new_id()))) == []


class TestEvents:
    async def test_events_are_numbered_without_gaps(self, store: Store) -> None:
        """EVENT-1: a meeting's events are 1, 2, 3 …, and come back as they were."""
        meeting, _ = await seated(store)
        other, _ = await seated(store)
        body = bytes(range(256))
        audience = f"{new_id()} {new_id()}"

        def work(t: Transaction) -> list[int]:
            first = t.append_event(
                meeting.uid, type="chat.posted", at=NOW, body=body, audience=audience
            )
            assert (first.epoch, first.body, first.audience) == (1, body, audience)
            return [
                first.event_seq,
                t.append_event(other.uid, type="x", at=NOW, body=b"{}").event_seq,
                t.append_event(meeting.uid, type="x", at=NOW, body=b"{}").event_seq,
            ]

        assert await store.write(work) == [1, 1, 2]
        events = await store.read(lambda t: t.list_events(meeting.uid, after=0, limit=1))
        assert [(e.event_seq, e.body, e.audience, e.type) for e in events] == [
            (1, body, audience, "chat.posted")
        ]
        events = await store.read(lambda t: t.list_events(meeting.uid, after=1, limit=10))
        assert [event.event_seq for event in events] == [2]
        assert await store.read(lambda t: t.list_events(meeting.uid, after=2, limit=10)) == []

    async def test_heads_tell_what_is_new(self, store: Store) -> None:
        """EVENT-2: a process learns the newest number of many meetings at once."""
        meeting, _ = await seated(store)
        other, _ = await seated(store)
        await store.write(lambda t: t.append_event(other.uid, type="x", at=NOW, body=b"{}"))
        uids = [meeting.uid, other.uid, MeetingUid(new_id())]
        heads = await store.read(lambda t: t.event_heads(uids))
        assert heads == {meeting.uid: (1, 0), other.uid: (1, 1)}
        assert await store.read(lambda t: t.event_heads([])) == {}


class TestIdempotencyKeys:
    async def test_the_first_answer_stays(self, store: Store) -> None:
        """MEET-5: a repeat with the same key gets the first answer; everyone has their own keys."""
        person, body = new_person(), b'{"created":true}\x00\xff'

        def keep(t: Transaction, response: bytes) -> tuple[str, bytes] | None:
            return t.insert_idempotency(
                person, idempotency_key="k", fingerprint="f", response=response, at=NOW
            )

        assert await store.write(lambda t: keep(t, body)) is None
        assert await store.write(lambda t: keep(t, b"second")) == ("f", body)
        found = await store.read(lambda t: t.find_idempotency(person, idempotency_key="k"))
        assert found == ("f", body)
        stranger = new_person()
        found = await store.read(lambda t: t.find_idempotency(stranger, idempotency_key="k"))
        assert found is None


class TestProcesses:
    async def test_a_process_lives_while_it_beats(self, store: Store) -> None:
        """JOIN-10: a process whose row is gone learns from its heartbeat that it is dead."""
        young = new_process(started_at=NOW + 1, media_url="ws://a", draining=True)
        old = new_process()
        for process in (young, old, replace(old, media_url="ws://b")):
            await store.write(lambda t, process=process: t.upsert_process(process))
        found = await store.read(lambda t: t.list_processes(alive_since=NOW))
        assert found == [replace(old, media_url="ws://b"), young]
        assert await store.write(lambda t: t.heartbeat(young.id, at=NOW + 9))
        found = await store.read(lambda t: t.list_processes(alive_since=NOW + 9))
        assert found == [replace(young, heartbeat_at=NOW + 9)]
        await store.write(lambda t: t.delete_process(young.id))
        await store.write(lambda t: t.delete_process(young.id))
        assert not await store.write(lambda t: t.heartbeat(young.id, at=NOW + 10))


class TestMediaLeases:
    async def test_one_taker_of_an_epoch_gets_the_lease(self, store: Store) -> None:
        """MEDIA-3: of two who take a meeting's media from the same epoch one is told no."""
        meeting, seat = await seated(store)
        one, two = new_process(), new_process()
        connection = new_connection(seat)
        await store.write(lambda t: t.upsert_connection(connection))
        assert await store.read(lambda t: t.find_media_lease(meeting.uid)) is None
        first, second = [MediaLease(meeting.uid, each.id, 1) for each in (one, two)]
        taken = [
            await store.write(lambda t, lease=lease: t.take_media_lease(lease, expected_epoch=0))
            for lease in (first, second)
        ]
        assert taken == [first, None]
        assert (await store.read(lambda t: t.media_loads(states=["pending", "open"])))[one.id] == 1
        moved = MediaLease(meeting.uid, two.id, 2)
        assert await store.write(lambda t: t.take_media_lease(moved, expected_epoch=1)) == moved
        assert await store.read(lambda t: t.find_media_lease(meeting.uid)) == moved
        free = MediaLease(meeting.uid, None, 3)
        assert await store.write(lambda t: t.take_media_lease(free, expected_epoch=2)) == free
        assert two.id not in await store.read(lambda t: t.media_loads(states=["pending", "open"]))


class TestRetention:
    async def test_the_chat_of_ended_runs_is_forgotten(self, store: Store) -> None:
        """MEET-7: old chat of ended runs goes, that of the running one stays."""
        meeting, seat = await seated(store)
        await store.write(lambda t: t.end_run(meeting.uid, run=1, at=NOW))
        old = [new_message(seat, posted_at=NOW - 1) for _ in range(3)]
        kept = [new_message(seat, posted_at=NOW), new_message(seat, run=2, posted_at=NOW - 1)]
        for message in (*old, *kept):
            await store.write(lambda t, message=message: t.insert_message(message))
        assert await store.write(lambda t: t.delete_old_messages(before=NOW, limit=2)) == 2
        assert await store.write(lambda t: t.delete_old_messages(before=NOW, limit=2)) == 1
        assert await store.write(lambda t: t.delete_old_messages(before=NOW, limit=2)) == 0
        for message in kept:
            uid, key = meeting.uid, message.id
            assert await store.read(lambda t, uid=uid, key=key: t.find_message(uid, key)) == message

    async def test_the_newest_events_are_never_forgotten(self, store: Store) -> None:
        """EVENT-2: of old events, those that a client may resume from stay."""
        meeting, _ = await seated(store)
        quiet, _ = await seated(store)

        def work(t: Transaction) -> None:
            for at in range(6):
                t.append_event(meeting.uid, type="x", at=NOW + at, body=b"{}")
            t.append_event(quiet.uid, type="x", at=NOW, body=b"{}")

        await store.write(work)
        deleted = await store.write(lambda t: t.delete_old_events(before=NOW + 3, keep=2, limit=2))
        assert deleted == 2
        deleted = await store.write(lambda t: t.delete_old_events(before=NOW + 9, keep=2, limit=9))
        assert deleted == 2
        events = await store.read(lambda t: t.list_events(meeting.uid, after=0, limit=9))
        assert [event.event_seq for event in events] == [5, 6]
        assert len(await store.read(lambda t: t.list_events(quiet.uid, after=0, limit=9))) == 1

    async def test_old_keys_and_connections_are_forgotten(self, store: Store) -> None:
        """MEET-5: keys go after their time, and so do connections that are closed, no others."""
        meeting, seat = await seated(store)
        person = new_person()

        def work(t: Transaction) -> None:
            for at in range(3):
                t.insert_idempotency(
                    person, idempotency_key=str(at), fingerprint="", response=b"", at=NOW + at
                )
                t.upsert_connection(new_connection(seat, state="closed", changed_at=NOW + at))
                t.upsert_connection(new_connection(seat, state="lost", changed_at=NOW + at))

        await store.write(work)
        assert await store.write(lambda t: t.delete_old_idempotency(before=NOW + 2, limit=9)) == 2
        assert await store.read(lambda t: t.find_idempotency(person, idempotency_key="2"))
        assert not await store.read(lambda t: t.find_idempotency(person, idempotency_key="1"))
        gone = await store.write(lambda t: t.delete_closed_connections(before=NOW + 2, limit=9))
        assert gone == 2
        states = ("closed", "lost")
        left = await store.read(lambda t: t.list_meeting_connections(meeting.uid, states=states))
        assert sorted(row.state for row in left) == ["closed", "lost", "lost", "lost"]

    async def test_idle_guests_are_forgotten_and_nobody_else(self, store: Store) -> None:
        """HOST-1, JOIN-8: hosts and removed ones stay for ever, guests until nobody comes."""
        meeting, guest = await seated(store, status="disconnected")
        busy, _ = await seated(store, status="disconnected")
        await store.write(lambda t: t.touch_meeting(busy.uid, at=NOW + 9))
        others = [
            new_participant(meeting, status="disconnected", role="host"),
            new_participant(meeting, status="removed"),
            new_participant(meeting, status="connected"),
        ]
        connection, message = new_connection(guest, state="closed"), new_message(guest)

        def work(t: Transaction) -> None:
            t.upsert_connection(connection)
            t.insert_message(message)
            for other in others:
                t.upsert_participant(other)

        await store.write(work)
        assert await store.write(lambda t: t.delete_idle_guests(before=NOW, limit=9)) == 0
        assert await store.write(lambda t: t.delete_idle_guests(before=NOW + 1, limit=9)) == 1
        uid = meeting.uid
        assert await store.read(lambda t: t.find_participant(uid, guest.person_id)) is None
        assert await store.read(lambda t: t.find_connection(connection.id)) is None
        assert await store.read(lambda t: t.find_message(uid, message.id)) == message
        everyone = ("disconnected", "removed", "connected")
        left = await store.read(lambda t: t.list_participants(uid, statuses=everyone))
        assert {row.id for row in left} == {other.id for other in others}
        assert await store.read(lambda t: t.count_participants(busy.uid, statuses=everyone)) == 1
        fresh = new_participant(meeting, person_id=guest.person_id)
        back = await store.write(lambda t: t.upsert_participant(fresh))
        assert back.id == fresh.id, "who was forgotten comes back as somebody new"
