"""A folder belongs to one host."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from moot.store.host_lock import FRESH_S, HostLock
from moot.store.port import StoreUnusable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the lock is."""
    return tmp_path / "moot.sqlite3.host"


def _age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_processes_of_one_host_share_a_folder(path: Path) -> None:
    """JOIN-10: several processes of one host use one folder, and another host is refused."""
    first, second = (HostLock(path, host="ana", boot="1") for _ in range(2))
    first.acquire()
    first.acquire()
    second.acquire()
    first.release()
    with pytest.raises(StoreUnusable, match=r"in use by the host ana .*use PostgreSQL"):
        HostLock(path, host="ben", boot="2").acquire()
    second.release()


def test_a_second_name_of_the_same_kernel_is_the_same_host(path: Path) -> None:
    """JOIN-10: two containers of one machine share memory, so they may share a folder."""
    first, second = HostLock(path, host="ana", boot="1"), HostLock(path, host="ben", boot="1")
    first.acquire()
    second.acquire()
    second.release()
    first.release()


def test_who_says_goodbye_may_be_followed_at_once(path: Path) -> None:
    """JOIN-10: a folder that was left in order can be used elsewhere without waiting."""
    first, second = HostLock(path, host="ana", boot="1"), HostLock(path, host="ben", boot="2")
    first.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_a_silent_host_is_believed_gone_after_a_while(path: Path) -> None:
    """JOIN-10: after a crash another host waits until the last sign of life is old."""
    # A lock that another host holds is not seen here, as on most network file systems.
    path.write_text("ana\n1\n")
    _age(path, FRESH_S / 2)
    newcomer = HostLock(path, host="ben", boot="2")
    with pytest.raises(StoreUnusable, match="last sign of life 30 s ago"):
        newcomer.acquire()
    _age(path, FRESH_S + 1)
    newcomer.acquire()
    assert path.read_text() == "ben\n2\n"
    newcomer.release()


def test_a_rebooted_host_finds_its_folder_free(path: Path) -> None:
    """JOIN-10: after a power cut the same host starts at once."""
    path.write_text("ana\n1\n")
    again = HostLock(path, host="ana", boot="2")
    again.acquire()
    again.release()


def test_signs_of_life_are_given(path: Path) -> None:
    """JOIN-10: a host that uses the folder keeps its lock fresh."""
    lock = HostLock(path, host="ana", boot="1")
    lock.touch()
    lock.acquire()
    _age(path, 500)
    lock.touch()
    assert time.time() - path.stat().st_mtime < 5
    lock.release()
