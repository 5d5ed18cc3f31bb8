"""Under whose name a server runs: PostgreSQL and PgBouncer refuse to be root."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any, Final

_MEMORY: Final = Path("/dev/shm")
_ROOM_BYTES: Final = 1 << 30


def account() -> pwd.struct_passwd | None:
    """Name the account to become, or None where this one will do."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def become() -> dict[str, Any]:
    """Give the arguments that make `subprocess` run a program under that account."""
    other = account()
    if other is None:
        return {}
    return {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}


def make_folder(name: str, *, in_memory: bool = False) -> Path:
    """Make a folder that the account owns. Not pytest's: those are closed to other accounts.

    Args:
        in_memory: prefer a file system without a disk, where there is one with room.
    """
    roomy = in_memory and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix=f"moot-{name}-", dir=_MEMORY if roomy else None))
    give(folder)
    return folder


def give(path: Path) -> None:
    """Hand a file or folder to the account."""
    other = account()
    if other is not None:
        os.chown(path, other.pw_uid, other.pw_gid)


def free_port() -> int:
    """Find a TCP port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program(name: str, *, folders: list[Path], cure: str) -> Path:
    """Find a server's program.

    Raises:
        RuntimeError: it is missing; a test that needs it must fail, not be skipped.
    """
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"The tests need {name}, which is not installed: {cure}.")
    return Path(found)
