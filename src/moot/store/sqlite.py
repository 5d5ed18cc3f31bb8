"""The store in one SQLite file, for one host and any number of its processes.

WAL, so that readers and the writer do not wait for each other; `synchronous=FULL`, so that an
answer survives the loss of power; every write `BEGIN IMMEDIATE`, because a read that turns into a
write is refused at once instead of waiting (sqlite.org/lang_transaction.html).
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from moot.errors import Problem
from moot.model.ids import MeetingUid
from moot.model.meeting import Event
from moot.store.host_lock import HostLock
from moot.store.jobs import CLOSE_WITHIN_S
from moot.store.outage import Outages
from moot.store.port import StoreUnusable, Transaction
from moot.store.rows import Parameters, Row
from moot.store.sqlite_readers import SqliteReaders
from moot.store.sqlite_writer import SqliteWriter
from moot.store.statements import Statements, load_statements
from moot.store.transaction import SqlTransaction
from moot.store.turn import Turn
from moot.store.upgrade import UPGRADE_WAIT_S, steps_missing, upgrade

T = TypeVar("T")


class SqliteTransaction(SqlTransaction):
    """A `Transaction` on a database handle that somebody else begins and commits."""

    __slots__ = ("_handle", "_statements")

    def __init__(self, handle: sqlite3.Connection, statements: Statements) -> None:
        self._handle = handle
        self._statements = statements

    def _one(self, name: str, parameters: Parameters) -> Row | None:
        # Every row is fetched: a statement left half read would keep the commit waiting.
        found = self._handle.execute(self._statements[name], parameters).fetchall()
        return found[0] if found else None

    def _all(self, name: str, parameters: Parameters) -> Sequence[Row]:
        return self._handle.execute(self._statements[name], parameters).fetchall()

    def _count(self, name: str, parameters: Parameters) -> int:
        return self._handle.execute(self._statements[name], parameters).rowcount

    def _list(self, values: Sequence[str]) -> object:
        return json.dumps(list(values))

    def append_event(
        self, meeting_uid: MeetingUid, *, type: str, at: int, body: bytes, audience: str = ""
    ) -> Event:
        """Take the meeting's next number and store the event under it."""
        event_seq, epoch = self._must("take_event_seq", {"meeting_uid": meeting_uid})
        parameters: Parameters = {
            "meeting_uid": meeting_uid,
            "event_seq": event_seq,
            "epoch": epoch,
            "type": type,
            "at": at,
            "body": body,
            "audience": audience,
        }
        self._count("insert_event", parameters)
        return Event(**parameters)


class SqliteStore:
    """A `Store` in one file.

    Args:
        path: the file; its folder is made when missing, readable by its owner only.
        busy_timeout_s: how long a write waits for another process that is writing.
        statements: other statements, for tests that show what goes wrong with them.
    """

    def __init__(
        self, path: Path, *, busy_timeout_s: float = 5.0, statements: Statements | None = None
    ) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._statements = statements or load_statements("sqlite")
        self._lock = HostLock(path.with_name(path.name + ".host"))
        self._outages = Outages()
        self._writer: SqliteWriter | None = None
        self._readers: SqliteReaders | None = None

    async def open(self) -> None:
        """Make or open the file and start the threads; calling it again changes nothing.

        Raises:
            StoreUnusable: the folder cannot be written, another host uses it, the file is no
                database, or its schema is newer than this program.
        """
        if self._writer is not None:
            return
        await asyncio.to_thread(self._check_file)
        self._writer = SqliteWriter(
            self._connect,
            self._transaction,
            lambda: Turn(self._path, within_s=self._busy_timeout_s),
            self._lock.touch,
            self._outages,
            within_s=self._busy_timeout_s,
        )
        self._writer.start()
        self._readers = SqliteReaders(self._connect, self._transaction, self._outages)
        self._readers.start()

    async def migrate(self) -> list[str]:
        """Run the missing steps in one exclusive transaction; works before and after `open`.

        Raises:
            StoreUnusable: as `open`.
        """
        return await asyncio.to_thread(self._migrate)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run work on the loop, in its turn; returns after the commit that it shares with others.

        Raises:
            Problem: `unavailable`, `storage_full`.

        If cancelled, the work may or may not be committed.
        """
        return await self._write(work, is_first=False)

    async def write_first(self, work: Callable[[Transaction], T]) -> T:
        """As `write`, but in the next transaction, however much waits.

        Raises:
            Problem: `unavailable`, `storage_full`.

        If cancelled, the work may or may not be committed.
        """
        return await self._write(work, is_first=True)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run work on a reader's thread; all of it sees one state. Cancelling it changes nothing.

        Raises:
            Problem: `unavailable`.
        """
        if self._readers is None:
            raise Problem("unavailable", retry_after_s=1)
        result: T = await self._readers.submit(work)
        return result

    async def check(self) -> None:
        """Raise `Problem("unavailable")` unless a trivial read works."""
        await self.read(lambda transaction: transaction.event_heads(()))

    async def close(self) -> None:
        """Finish what was asked, as far as a few seconds allow, then let go of the file.

        Calling it again changes nothing.
        """
        writer, readers, self._writer, self._readers = self._writer, self._readers, None, None
        if writer is not None and readers is not None:
            await writer.close(CLOSE_WITHIN_S)
            await asyncio.to_thread(readers.stop, 1.0)
        self._lock.release()

    async def _write(self, work: Callable[[Transaction], T], *, is_first: bool) -> T:
        if self._writer is None:
            raise Problem("unavailable", retry_after_s=1)
        result: T = await self._writer.submit(work, is_first=is_first)
        return result

    def _connect(self) -> sqlite3.Connection:
        handle = sqlite3.connect(
            self._path,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        handle.execute("PRAGMA synchronous=FULL")
        handle.execute("PRAGMA foreign_keys=ON")
        handle.execute("PRAGMA temp_store=MEMORY")
        return handle

    def _transaction(self, handle: sqlite3.Connection) -> SqliteTransaction:
        return SqliteTransaction(handle, self._statements)

    def _check_file(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
            handle = self._connect()
            try:
                self._use_wal(handle)
                steps_missing(_version(handle))
            finally:
                handle.close()
        except OSError as error:
            raise StoreUnusable(
                f"The folder {self._path.parent} cannot be written ({error.strerror}): make it "
                "writable, or choose another with --data."
            ) from error
        except sqlite3.Error as error:
            raise StoreUnusable(
                f"The file {self._path} cannot be used as a database ({error}): move it away, or "
                "choose another folder with --data."
            ) from error

    def _use_wal(self, handle: sqlite3.Connection) -> None:
        # Several processes may start at once, and this change does not wait for its turn by itself.
        deadline = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                (mode,) = handle.execute("PRAGMA journal_mode=WAL").fetchone()
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
                continue
            if mode != "wal":
                raise StoreUnusable(
                    f"The folder {self._path.parent} is on a file system that SQLite cannot share "
                    "between processes: choose a folder on a local disk with --data."
                )
            return

    def _migrate(self) -> list[str]:
        self._check_file()
        handle = self._connect()
        try:
            if not steps_missing(_version(handle)):
                return []
            return _upgrade(handle)
        finally:
            handle.close()


def _version(handle: sqlite3.Connection) -> str | None:
    (known,) = handle.execute(
        "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
    ).fetchone()
    if not known:
        return None
    found: list[tuple[str]] = handle.execute("SELECT version_num FROM alembic_version").fetchall()
    return found[0][0] if found else None


def _upgrade(handle: sqlite3.Connection) -> list[str]:
    from sqlalchemy import create_engine  # noqa: PLC0415 - most starts have nothing to do
    from sqlalchemy.pool import StaticPool  # noqa: PLC0415

    handle.execute(f"PRAGMA busy_timeout={int(UPGRADE_WAIT_S * 1000)}")
    engine = create_engine("sqlite://", creator=lambda: handle, poolclass=StaticPool)
    return upgrade(engine, lock=("BEGIN IMMEDIATE",))
