"""SQLite when the disk is full, the file is held, or the folder is no folder."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from tests.contract.seats import new_meeting

from moot.errors import Problem
from moot.store.port import StoreUnusable
from moot.store.sqlite import SqliteStore


class _SmallDisk(SqliteStore):
    """A store whose file may have so many pages, and no more."""

    pages = 60

    def _connect(self) -> sqlite3.Connection:
        handle = super()._connect()
        handle.execute(f"PRAGMA max_page_count={self.pages}")
        return handle


async def test_a_full_disk_stops_writing_and_nothing_else(sqlite_path: Path) -> None:
    """ERR-1: with no room left writes are `storage_full`, reads go on, and freed room heals it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.store.full_disk",
        sqlite_path,
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    words = [line for line in said.decode().splitlines() if " [" not in line]
    assert words == ["storage_full", "reads", "writes", "kept", "ok"]


async def test_what_does_not_fit_takes_nothing_else_with_it(sqlite_path: Path) -> None:
    """ERR-1: of pieces that share a commit, the one too large fails and the others are stored."""
    store = _SmallDisk(sqlite_path)
    await store.migrate()
    await store.open()
    meetings = [new_meeting() for _ in range(20)]
    large = new_meeting(passcode_hash="x" * 1_000_000)
    works = [store.write(lambda t, m=m: t.insert_meeting(m)) for m in (*meetings, large, *meetings)]
    answers = await asyncio.gather(*works, return_exceptions=True)
    assert answers[:20] == meetings
    assert isinstance(answers[20], Problem)
    assert answers[20].kind.id == "storage_full"
    assert answers[21:] == [None] * 20
    stored = await store.read(lambda t: t.list_meetings(after=None, limit=100))
    assert len(stored) == 20
    await store.close()


async def test_a_writer_that_never_ends_makes_others_unavailable(sqlite_path: Path) -> None:
    """ERR-1: while another process holds the file, writes are `unavailable` and reads go on."""
    store = SqliteStore(sqlite_path, busy_timeout_s=0.2)
    await store.migrate()
    await store.open()
    meeting = new_meeting()
    await store.write(lambda t: t.insert_meeting(meeting))
    other = sqlite3.connect(sqlite_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(Problem) as caught:
        await store.write(lambda t: t.insert_meeting(new_meeting()))
    assert caught.value.kind.id == "unavailable"
    assert caught.value.retry_after_s == 1
    assert time.monotonic() - began < 5
    assert await store.read(lambda t: t.find_meeting(meeting.id)) == meeting
    began = time.monotonic()
    works = [store.write(lambda t: t.insert_meeting(new_meeting())) for _ in range(50)]
    answers = await asyncio.gather(*works, return_exceptions=True)
    assert all(isinstance(answer, Problem) for answer in answers)
    assert time.monotonic() - began < 5, "those who share a commit wait once, not one by one"
    other.execute("ROLLBACK")
    other.close()
    late = new_meeting()
    assert await store.write(lambda t: t.insert_meeting(late)) == late
    await store.close()


async def test_a_thread_that_cannot_open_the_file_answers_and_tries_again(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ERR-1: a file that cannot be opened for a while makes `unavailable`, not silence."""
    store = SqliteStore(sqlite_path)
    await store.migrate()
    await store.open()
    with monkeypatch.context() as broken:
        broken.setattr(store._writer, "_connect", lambda: sqlite3.connect("/dev/null/nothing"))
        with pytest.raises(Problem) as caught:
            await store.write(lambda t: t.insert_meeting(new_meeting()))
        assert caught.value.kind.id == "unavailable"
        broken.setattr(store._readers, "_connect", lambda: sqlite3.connect("/dev/null/nothing"))
        for _ in range(4):
            with pytest.raises(Problem) as caught:
                await store.check()
            assert caught.value.kind.id == "unavailable"
    meeting = new_meeting()
    assert await store.write(lambda t: t.insert_meeting(meeting)) == meeting
    assert await store.read(lambda t: t.find_meeting(meeting.id)) == meeting
    await store.close()


@pytest.mark.parametrize("attempt", ["open", "migrate"])
async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, attempt: str) -> None:
    """JOIN-10: a data folder that cannot be written is one sentence with a cure."""
    (tmp_path / "file").touch()
    store = SqliteStore(tmp_path / "file" / "data" / "moot.sqlite3")
    with pytest.raises(StoreUnusable, match=r"cannot be written .* choose another with --data"):
        await getattr(store, attempt)()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """JOIN-10: another program's file is left as it is."""
    path = tmp_path / "moot.sqlite3"
    path.write_bytes(b"This is a letter. " * 500)
    with pytest.raises(StoreUnusable, match="cannot be used as a database"):
        await SqliteStore(path).open()
    assert path.read_bytes() == b"This is a letter. " * 500


async def test_the_data_folder_is_the_owners_alone(sqlite_path: Path) -> None:
    """LOG-1: nobody else on the machine reads names and messages from the file."""
    store = SqliteStore(sqlite_path)
    await store.open()
    assert sqlite_path.parent.stat().st_mode & 0o077 == 0
    await store.close()


async def test_every_commit_is_synced(sqlite_path: Path) -> None:
    """JOIN-10: the file is in WAL mode with full sync, so that an answer survives a power cut."""
    store = SqliteStore(sqlite_path)
    await store.open()
    handle = store._connect()
    assert handle.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert handle.execute("PRAGMA synchronous").fetchone() == (2,)
    assert handle.execute("PRAGMA foreign_keys").fetchone() == (1,)
    handle.close()
    await store.close()
