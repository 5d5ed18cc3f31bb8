"""PostgreSQL when it restarts, is slow, deadlocks, or is not there."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import pytest
from tests.contract.seats import NOW, join, new_meeting, new_person
from tests.servers.account import free_port
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PASSWORD, PostgresServer
from tests.servers.running import running

from moot.errors import Problem
from moot.model.ids import MeetingId
from moot.store.port import Store, StoreUnusable, Transaction
from moot.store.postgres import PostgresStore
from moot.store.postgres_errors import PostgresError
from moot.store.postgres_handle import PostgresHandle


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server that a test may crash."""
    with running(PostgresServer()) as server:
        yield server


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[Store]:
    """A store on the server of the run."""
    store = PostgresStore(postgres_url, pool=4)
    await store.open()
    yield store
    await store.close()


def _unavailable(answer: object) -> bool:
    return isinstance(answer, Problem) and answer.kind.id == "unavailable"


async def test_a_server_that_crashes_under_load_loses_nothing(server: PostgresServer) -> None:
    """JOIN-10: through a crash of the database callers get answers, and acknowledged ones hold."""
    store = PostgresStore(server.url(server.create_database()), pool=6)
    await store.migrate()
    await store.open()
    meeting = new_meeting()
    await store.write(lambda t: t.insert_meeting(meeting))
    acknowledged: list[int] = []
    refused: list[BaseException] = []
    running = True

    async def caller() -> None:
        while running:
            try:
                event = await store.write(
                    lambda t: t.append_event(meeting.uid, type="x", at=NOW, body=b"")
                )
                acknowledged.append(event.event_seq)
            except Problem as problem:
                refused.append(problem)
                await asyncio.sleep(0.01)

    callers = [asyncio.ensure_future(caller()) for _ in range(20)]
    await asyncio.sleep(0.3)
    await asyncio.to_thread(server.halt)
    await asyncio.sleep(0.5)
    with pytest.raises(Problem) as caught:
        await store.check()
    assert _unavailable(caught.value)
    before = len(acknowledged)
    await asyncio.to_thread(server.resume)
    back = time.monotonic()
    while len(acknowledged) < before + 100:
        assert time.monotonic() - back < 5, "the store has not come back within 5 s"
        await asyncio.sleep(0.01)
    running = False
    await asyncio.gather(*callers)
    assert refused
    assert all(map(_unavailable, refused))
    events = await store.read(lambda t: t.list_events(meeting.uid, after=0, limit=1_000_000))
    stored = [event.event_seq for event in events]
    assert stored == list(range(1, len(stored) + 1))
    assert set(acknowledged) <= set(stored)
    assert len(set(acknowledged)) == len(acknowledged)
    await store.close()


async def test_work_that_deadlocks_is_run_again(store: Store) -> None:
    """MEET-2: two commands that wait for each other both succeed."""
    first, second = new_meeting(), new_meeting()

    def create(t: Transaction) -> None:
        t.insert_meeting(first)
        t.insert_meeting(second)

    await store.write(create)
    together = threading.Barrier(2)

    def cross(*order: MeetingId) -> Callable[[Transaction], int]:
        runs = 0

        def work(t: Transaction) -> int:
            nonlocal runs
            runs += 1
            for at, meeting_id in enumerate(order):
                meeting = t.lock_meeting(meeting_id)
                assert meeting is not None
                t.append_event(meeting.uid, type="x", at=NOW, body=b"")
                if at == 0 and runs == 1:
                    together.wait(timeout=10)
            return runs

        return work

    runs = await asyncio.gather(
        store.write(cross(first.id, second.id)), store.write(cross(second.id, first.id))
    )
    assert max(runs) > 1
    heads = await store.read(lambda t: t.event_heads([first.uid, second.uid]))
    assert set(heads.values()) == {(1, 2)}


async def test_a_lock_that_is_never_released_makes_unavailable(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ERR-1: a meeting held by a stuck process is `unavailable`, not a request that hangs."""
    monkeypatch.setattr("moot.store.postgres_handle._SET", "SET lock_timeout = '300ms'")
    store = PostgresStore(postgres_url, pool=2)
    await store.open()
    meeting = new_meeting()
    await store.write(lambda t: t.insert_meeting(meeting))
    with psycopg.connect(postgres_url) as holder:
        holder.execute("SELECT * FROM meeting FOR UPDATE")
        with pytest.raises(Problem) as caught:
            await store.write(lambda t: join(t, meeting.id, new_person()))
        assert _unavailable(caught.value)
        assert await store.read(lambda t: t.find_meeting(meeting.id)) == meeting
    assert (await store.write(lambda t: join(t, meeting.id, new_person()))).fence == 1
    await store.close()


async def test_a_lost_answer_to_commit_is_left_to_the_caller(postgres_url: str) -> None:
    """MEET-2: what may have been committed is not done twice behind the caller's back."""

    class Cut(PostgresHandle):
        def commit(self) -> None:
            super().commit()
            self.close()
            raise PostgresError("", "server closed the connection unexpectedly")

    class Unlucky(PostgresStore):
        cut = False

        def _connect(self) -> PostgresHandle:
            return (Cut if self.cut else PostgresHandle)(self._parameters, self._statements)

    store = Unlucky(postgres_url, pool=1)
    store.cut = True
    await store.open()
    meeting = new_meeting()

    def work(t: Transaction) -> None:
        t.insert_meeting(meeting)
        t.append_event(meeting.uid, type="x", at=NOW, body=b"")

    with pytest.raises(Problem) as caught:
        await store.write(work)
    assert _unavailable(caught.value)
    store.cut = False
    assert await store.read(lambda t: t.event_heads([meeting.uid])) == {meeting.uid: (1, 1)}
    await store.close()


async def test_a_connection_lost_before_the_commit_costs_nothing(
    store: Store, postgres_url: str
) -> None:
    """MEET-2: work whose connection was cut off half way is run again on another one."""
    meeting = new_meeting()
    await store.write(lambda t: t.insert_meeting(meeting))
    runs: list[int] = []

    def work(t: Transaction) -> None:
        runs.append(t.append_event(meeting.uid, type="x", at=NOW, body=b"").event_seq)
        if len(runs) == 1:
            with psycopg.connect(postgres_url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            t.append_event(meeting.uid, type="y", at=NOW, body=b"")

    await store.write(work)
    assert runs == [1, 1]
    assert await store.read(lambda t: t.event_heads([meeting.uid])) == {meeting.uid: (1, 1)}


async def test_a_server_that_has_become_a_standby_is_left(
    postgres_url: str, postgres_database: str
) -> None:
    """JOIN-10: who may only read from this connection looks for the primary on a new one."""
    setting = f"ALTER DATABASE {postgres_database} SET default_transaction_read_only"
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute(f"{setting} = on")
        store = PostgresStore(postgres_url, pool=1)
        await store.open()
        meeting = new_meeting()
        with pytest.raises(Problem) as caught:
            await store.write(lambda t: t.insert_meeting(meeting))
        assert _unavailable(caught.value)
        assert await store.read(lambda t: t.find_meeting(meeting.id)) is None
        other.execute("SET default_transaction_read_only = off")
        other.execute(f"{setting} = off")
    assert await store.write(lambda t: t.insert_meeting(meeting)) == meeting
    await store.close()


@pytest.mark.parametrize("kind", ["direct", "pooled"])
async def test_timeouts_hold_on_every_way_to_the_server(
    postgres_url: str, pgbouncer: PgBouncer, postgres_database: str, kind: str
) -> None:
    """ERR-1: the server ends statements, locks and transactions of a process that has stopped."""
    address = postgres_url if kind == "direct" else pgbouncer.url(postgres_database)
    store = PostgresStore(address, pool=1)
    await store.open()
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")

    def work(t: Transaction) -> list[bytes | None]:
        t.event_heads(())
        handle: PostgresHandle = t._handle  # type: ignore[attr-defined]
        assert handle.pooled == (kind == "pooled")
        return [handle.command(f"SHOW {name}").get_value(0, 0) for name in names]

    assert await store.write(work) == [b"10s", b"5s", b"10s"]
    assert await store.read(work) == [b"10s", b"5s", b"10s"]
    await store.close()


async def test_a_pooler_that_hides_does_no_harm(
    pgbouncer: PgBouncer, postgres_database: str
) -> None:
    """MEET-2: a pooler that was not recognized costs a retry, and no caller notices."""

    class Misled(PostgresStore):
        def _connect(self) -> PostgresHandle:
            handle = super()._connect()
            assert handle.pooled
            handle.pooled = False
            return handle

    store = Misled(pgbouncer.url(postgres_database), pool=8)
    await store.open()
    meeting = new_meeting()
    await store.write(lambda t: t.insert_meeting(meeting))
    works = [store.write(lambda t: join(t, meeting.id, new_person())) for _ in range(100)]
    seats = await asyncio.gather(*works)
    assert len({seat.id for seat in seats}) == 100
    heads = await store.read(lambda t: t.event_heads([meeting.uid]))
    assert heads == {meeting.uid: (1, 100)}
    await store.close()


async def test_a_read_of_several_statements_sees_one_state(store: Store, postgres_url: str) -> None:
    """EVENT-2: a snapshot is the meeting at one number, whatever is committed meanwhile."""
    meeting = new_meeting()
    await store.write(lambda t: t.insert_meeting(meeting))

    def work(t: Transaction) -> tuple[int, int]:
        before = t.event_heads([meeting.uid])[meeting.uid][1]
        with psycopg.connect(postgres_url) as other:
            other.execute("UPDATE meeting SET event_seq = event_seq + 1")
        return before, t.event_heads([meeting.uid])[meeting.uid][1]

    assert await store.read(work) == (0, 0)
    assert await store.read(lambda t: t.event_heads([meeting.uid])) == {meeting.uid: (1, 1)}


async def test_a_text_that_the_database_cannot_hold_is_the_callers_fault(store: Store) -> None:
    """ERR-1: the character NUL is refused with 422 and cuts no text short."""
    with pytest.raises(Problem) as caught:
        await store.write(lambda t: t.insert_meeting(new_meeting(passcode_hash="a\0b")))
    assert caught.value.kind.status == 422


@pytest.mark.parametrize("attempt", ["open", "migrate"])
async def test_a_server_that_is_not_there_is_one_sentence(attempt: str) -> None:
    """JOIN-10: an unreachable server is one sentence with place and cure, and no password."""
    port = free_port()
    store = PostgresStore(f"postgresql://moot:{PASSWORD}@127.0.0.1:{port}/moot")
    with pytest.raises(StoreUnusable) as caught:
        await getattr(store, attempt)()
    sentence = str(caught.value)
    assert sentence.startswith(f"PostgreSQL at 127.0.0.1:{port} cannot be used (")
    assert "refused" in sentence
    assert "check `database_url`" in sentence
    assert PASSWORD not in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [("password", "password authentication failed"), ("database", "does not exist")],
)
async def test_a_server_that_refuses_is_one_sentence(
    postgres: PostgresServer, wrong: str, reason: str
) -> None:
    """JOIN-10: a wrong password and a wrong database are told apart."""
    url = postgres.url("postgres" if wrong == "password" else "nowhere")
    store = PostgresStore(url.replace(PASSWORD, "secret-2") if wrong == "password" else url)
    with pytest.raises(StoreUnusable, match=reason) as caught:
        await store.open()
    assert "secret-2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("query", ["?sslmode=disable", "?sslmode=verify-full"])
async def test_a_connection_that_cannot_be_trusted_is_refused(
    postgres_tls: PostgresServer, query: str
) -> None:
    """PERSON-2: neither a server without TLS nor one of an unknown authority is spoken to."""
    store = PostgresStore(postgres_tls.url(query=query))
    with pytest.raises(StoreUnusable, match="cannot be used") as caught:
        await store.open()
    assert "\n" not in str(caught.value)


async def test_a_trusted_connection_is_encrypted(postgres_tls_url: str) -> None:
    """PERSON-2: with `sslmode=verify-full` what goes to the database is encrypted."""
    store = PostgresStore(postgres_tls_url)
    await store.open()

    def work(t: Transaction) -> bytes | None:
        t.event_heads(())
        handle: PostgresHandle = t._handle  # type: ignore[attr-defined]
        asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        return handle.command(asked).get_value(0, 0)

    assert await store.read(work) == b"t"
    await store.close()
