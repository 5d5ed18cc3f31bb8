"""Look for what would keep moot from working on this machine, and name the cure of each."""

import ctypes
import errno
import os
import resource
import shutil
import socket
import sqlite3
import stat
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

import aiohttp
import msgspec
import psycopg
import redis.asyncio
import redis.exceptions

from moot.config import Config
from moot.errors import Problem
from moot.keys import SecretUnreadable, load_keys
from moot.store.open import open_store
from moot.store.port import StoreUnusable

_MIB: Final = 1 << 20
# What the media core asks for on each UDP socket. A smaller buffer drops packets when many people
# talk at once; a larger one only costs memory.
_SOCKET_BUFFER_BYTES: Final = 4 * _MIB
_FREE_DISK_BYTES: Final = 512 * _MIB
# Each connected tab needs one descriptor; the default limit of many systems is 1,024.
_DESCRIPTORS: Final = 16_384
_NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph"}
)
_STA_UNSYNC: Final = 0x0040  # linux/timex.h: the kernel does not know that its clock is right
_WAIT_S: Final = 5.0


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at: fine, worth knowing, or broken; `cure` says what to do."""

    state: Literal["fine", "note", "broken"]
    subject: str
    sentence: str
    cure: str = ""

    @property
    def is_broken(self) -> bool:
        """Whether moot cannot work until it is cured."""
        return self.state == "broken"

    @property
    def line(self) -> str:
        """The finding as `moot doctor` prints it."""
        cure = f" Cure: {self.cure}" if self.cure else ""
        return f"{self.state:<7} {self.subject}: {self.sentence}{cure}"


async def examine(config: Config) -> list[Finding]:
    """Look at everything that moot needs with these settings; at most makes the data folder."""
    here: Sequence[Callable[[Config], list[Finding]]] = (
        _versions,
        _folder,
        _secret,
        _web_port,
        _media_port,
        _socket_buffers,
        _descriptors,
        _clock,
    )
    there: Sequence[Callable[[Config], Awaitable[list[Finding]]]] = (_database, _bus, _livekit)
    findings = [finding for look in here for finding in look(config)]
    for ask in there:
        findings += await ask(config)
    return findings


def _versions(config: Config) -> list[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    found = [Finding("fine", "python", f"{python} at {sys.executable}.")]
    if config.media == "builtin":
        if find_spec("moot._media") is None:
            found.append(
                Finding(
                    "broken",
                    "media core",
                    "moot._media is not built.",
                    "make build, or set MOOT_MEDIA.",
                )
            )
        else:
            found.append(Finding("fine", "media core", "built."))
    page = Path(__file__).with_name("page") / "index.html"
    if page.is_file():
        found.append(Finding("fine", "page", "built."))
    else:
        found.append(Finding("broken", "page", "the meeting page is not built.", "make build."))
    return found


def _folder(config: Config) -> list[Finding]:
    folder = config.data
    elsewhere = "name another folder with --data or MOOT_DATA."
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
        free = shutil.disk_usage(folder).free
    except OSError as reason:
        return [Finding("broken", "data folder", f"{folder}: {reason.strerror}.", elsewhere)]
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return [Finding("broken", "data folder", f"{folder} cannot be written.", elsewhere)]
    found = [Finding("fine", "data folder", f"{folder}, {free // _MIB} MiB free.")]
    if free < _FREE_DISK_BYTES:
        found.append(Finding("note", "disk", f"only {free // _MIB} MiB are free.", "make room."))
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        cure = f"chmod 700 {folder}."
        found.append(Finding("note", "data folder", "others may look into it.", cure))
    kind = _file_system(folder)
    if config.sqlite_path is not None and kind in _NETWORK_FILE_SYSTEMS:
        sentence = f"it lies on {kind}, where SQLite's locks cannot be trusted."
        found.append(Finding("broken", "data folder", sentence, "use a local disk, or PostgreSQL."))
    return found


def _file_system(folder: Path) -> str:
    """Return the kind of file system that a folder lies on, or an empty text where nobody knows."""
    best, kind = "", ""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    for line in mounts.splitlines():
        _, place, found, *_ = line.split(" ")
        place = place.replace("\\040", " ")
        if folder.resolve().is_relative_to(place) and len(place) >= len(best):
            best, kind = place, found
    return kind


def _secret(config: Config) -> list[Finding]:
    try:
        load_keys(config)
    except SecretUnreadable as reason:
        return [Finding("broken", "secret", str(reason))]
    where = "given by MOOT_SECRET" if config.secret else "kept in the data folder"
    return [Finding("fine", "secret", f"{where}.")]


def _web_port(config: Config) -> list[Finding]:
    hosts = ("127.0.0.1", "::1") if config.host == "localhost" else (config.host,)
    problems = [told for host in hosts if (told := _taken(host, config.port, socket.SOCK_STREAM))]
    if not problems:
        return [Finding("fine", "web port", f"{config.host}, TCP {config.port} is free.")]
    cure = "end what listens there (moot itself, if it runs), or choose another with --port."
    return [Finding("broken", "web port", problems[0], cure)]


def _media_port(config: Config) -> list[Finding]:
    if config.media != "builtin":
        return [Finding("fine", "media port", f"not needed with {config.media}.")]
    kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    hosts = config.media_addresses or ("0.0.0.0", "::")  # noqa: S104 - media serves every address
    told = [
        text for host in hosts for kind in kinds if (text := _taken(host, config.media_port, kind))
    ]
    if not told:
        return [Finding("fine", "media port", f"UDP and TCP {config.media_port} are free.")]
    if "media_port" in config.given:
        cure = "end what listens there, or choose another with --media-port."
        return [Finding("broken", "media port", told[0], cure)]
    return [Finding("note", "media port", f"{told[0]} moot takes the next free one.")]


def _taken(host: str, port: int, kind: socket.SocketKind) -> str:
    """Return why an address cannot be bound, or an empty text.

    An IPv6 wildcard or loopback on a machine without IPv6 is no fault.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    name = "UDP" if kind is socket.SOCK_DGRAM else "TCP"
    try:
        with socket.socket(family, kind) as probe:
            if family is socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as reason:
        if host in ("::1", "::"):
            return "" if reason.errno != errno.EADDRINUSE else f"{name} {port} on {host} is taken."
        return f"{name} {port} on {host}: {reason.strerror}."
    return ""


def _socket_buffers(config: Config) -> list[Finding]:
    if config.media != "builtin":
        return []
    small = {
        name: size
        for name in ("rmem_max", "wmem_max")
        if (size := _number(Path("/proc/sys/net/core") / name)) is not None
        and size < _SOCKET_BUFFER_BYTES
    }
    if not small:
        return [Finding("fine", "UDP buffers", f"{_SOCKET_BUFFER_BYTES // _MIB} MiB can be had.")]
    told = ", ".join(f"net.core.{name} is {size}" for name, size in small.items())
    cure = "sysctl -w " + " ".join(f"net.core.{name}={_SOCKET_BUFFER_BYTES}" for name in small)
    sentence = f"{told}: bursts of packets may be lost in large meetings."
    return [Finding("note", "UDP buffers", sentence, f"{cure} (and in /etc/sysctl.d to keep it).")]


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _descriptors(_: Config) -> list[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else max(soft, _DESCRIPTORS)
    if most >= _DESCRIPTORS:
        return [Finding("fine", "descriptors", f"{most} may be open at once.")]
    cure = f"raise the limit to {_DESCRIPTORS} (LimitNOFILE= in the systemd unit)."
    return [Finding("note", "descriptors", f"only {most} may be open at once.", cure)]


def _clock(_: Config) -> list[Finding]:
    """Ask the kernel whether its clock is kept right: tokens and cookies carry times."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "adjtimex"):
        return []
    answer = ctypes.create_string_buffer(512)  # struct timex, zeroed: ask, change nothing
    if libc.adjtimex(answer) < 0:
        return [
            Finding(
                "note", "clock", f"the kernel would not say: {os.strerror(ctypes.get_errno())}."
            )
        ]
    # `status` follows modes (padded), offset, freq, maxerror and esterror (linux/timex.h).
    status = ctypes.c_int.from_buffer(answer, 5 * ctypes.sizeof(ctypes.c_long)).value
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if status & _STA_UNSYNC:
        cure = "run a time service (systemd-timesyncd, chrony), unless the host keeps the time."
        return [Finding("note", "clock", f"{now}; the kernel does not know it to be right.", cure)]
    return [Finding("fine", "clock", f"{now}, kept right by a time service.")]


async def _database(config: Config) -> list[Finding]:
    path = config.sqlite_path
    if path is not None and path.parent.is_dir() and not path.exists():
        return [Finding("fine", "database", f"{path} is made on the first start.")]
    try:
        took_ms = await _ask_store(config)
    except StoreUnusable as reason:
        return [Finding("broken", "database", str(reason))]
    except Problem as problem:
        return [Finding("broken", "database", problem.sentence, problem.kind.cure)]
    except (sqlite3.Error, psycopg.Error):
        # It answers, but not to a question about meetings.
        cure = "moot migrate, or just start moot."
        return [Finding("note", "database", "it has not this version's schema yet.", cure)]
    kind = "PostgreSQL" if path is None else str(path)
    return [Finding("fine", "database", f"{kind} answers in {took_ms:.1f} ms.")]


async def _ask_store(config: Config) -> float:
    """Return how many milliseconds a small question to the store takes."""
    store = open_store(config)
    await store.open()
    try:
        started = time.monotonic()
        await store.check()
        return 1000 * (time.monotonic() - started)
    finally:
        await store.close()


async def _bus(config: Config) -> list[Finding]:
    if config.bus_url is None:
        return [Finding("fine", "bus", "within the process; the database carries what others did.")]
    bus = redis.asyncio.from_url(
        config.bus_url.reveal(), socket_connect_timeout=_WAIT_S, socket_timeout=_WAIT_S
    )
    try:
        await bus.ping()
    except (redis.exceptions.RedisError, OSError) as reason:
        cure = "start it, or mend MOOT_BUS_URL; until then events travel by the database."
        return [Finding("note", "bus", f"Redis does not answer ({type(reason).__name__}).", cure)]
    finally:
        await bus.aclose()
    return [Finding("fine", "bus", "Redis answers.")]


async def _livekit(config: Config) -> list[Finding]:
    if config.media != "livekit" or config.livekit_url is None:
        return []
    url = (
        config.livekit_url.replace("ws", "http", 1)
        if config.livekit_url.startswith("ws")
        else (config.livekit_url)
    )
    try:
        wait = aiohttp.ClientTimeout(total=_WAIT_S)
        async with aiohttp.ClientSession(timeout=wait) as asker, asker.get(url) as answer:
            status = answer.status
    except (aiohttp.ClientError, OSError) as reason:
        cure = "start it, or mend MOOT_LIVEKIT_URL."
        return [
            Finding("broken", "livekit", f"it does not answer ({type(reason).__name__}).", cure)
        ]
    return [Finding("fine", "livekit", f"it answers ({status}).")]
