"""A folder belongs to one host: SQLite's WAL needs shared memory, which two hosts do not have.

Processes of one host share the folder. The lock file names the host; a shared `flock` says that
somebody is there, and because network file systems often keep such locks to themselves, the
file's age says it again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from pathlib import Path
from typing import Final

from moot.store.port import StoreUnusable

FRESH_S: Final = 60.0
"""Seconds without a sign of life after which a host that never said goodbye is taken for gone.
Larger delays a move to another host after a crash; smaller risks two hosts on one file."""
TOUCH_S: Final = 10.0
"""Seconds between two signs of life; several must fit into `FRESH_S`."""


def _boot_id() -> str:
    # Two containers with two names on one kernel do share memory, and may share the folder.
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


class HostLock:
    """The right of this host's processes to use a folder.

    Args:
        path: the lock file, beside what it guards.
        host: this host's name, for tests; unset, the system's.
        boot: this kernel's identity, for tests; unset, the system's.
    """

    def __init__(self, path: Path, *, host: str | None = None, boot: str | None = None) -> None:
        self._path = path
        self._host = socket.gethostname() if host is None else host
        self._boot = _boot_id() if boot is None else boot
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the folder for this host; calling it again changes nothing.

        Raises:
            StoreUnusable: another host is using the folder, or it cannot hold a lock.
        """
        if self._file is not None:
            return
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._claim(file)
        except OSError as error:
            os.close(file)
            raise StoreUnusable(
                f"The folder {self._path.parent} cannot be locked ({error.strerror}): choose a "
                "folder on a local disk with --data, or use PostgreSQL."
            ) from error
        except BaseException:
            os.close(file)
            raise
        self._file = file

    def touch(self) -> None:
        """Give a sign of life; due every `TOUCH_S` while the folder is in use. Raises nothing."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.utime(self._file)

    def release(self) -> None:
        """Leave the folder; the last one says goodbye, so that another host may take it at once."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.truncate(self._file, 0)
        os.close(self._file)
        self._file = None

    def _claim(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Others of this kernel are in, or one is at this very place: wait for its verdict.
            fcntl.flock(file, fcntl.LOCK_SH)
            alone = False
        else:
            alone = True
        host, boot = self._holder(file)
        ours = boot == self._boot or not boot
        age_s = time.time() - os.fstat(file).st_mtime
        # After a reboot the kernel is another, but nobody of the old one is left.
        gone = alone and (host == self._host or age_s > FRESH_S)
        if not ours and not gone:
            raise StoreUnusable(
                f"The folder {self._path.parent} is in use by the host {host} (last sign of life "
                f"{max(age_s, 0):.0f} s ago): stop moot there, wait a minute if that host has "
                "crashed, or use PostgreSQL for several hosts."
            )
        if alone:
            os.truncate(file, 0)
            os.pwrite(file, f"{self._host}\n{self._boot}\n".encode(), 0)
            fcntl.flock(file, fcntl.LOCK_SH)
        os.utime(file)

    def _holder(self, file: int) -> tuple[str, str]:
        host, _, boot = os.pread(file, 1024, 0).decode(errors="replace").strip().partition("\n")
        return host, boot
