"""What do deliveries cost beside Socket.IO and NATS, with 1, 2 and 4 processes?

The same members are in one room of each server: everybody gets every change, and four of them make
changes, each the next when the server has answered the last. The events are of the size of moot's.
Members and changers are spread over the processes. Lateness is measured with one change at a time,
20 a second.

The servers do not promise the same. moot authenticates each change, commits it to its database
(SQLite for one process, PostgreSQL for more) and numbers it, so that nobody misses one; Socket.IO
and NATS hand on what comes and forget it. More than one process of moot and Socket.IO (with its
Redis adapter) are joined by Redis, those of NATS by their own routes. Only the servers' own
processes are counted as their CPU, not Redis and PostgreSQL.

    python -m bench.fanout_peers [--watchers 200] [--changes 100] [--processes 1 2 4] [--rounds 2]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop
from tests.programs.database import running_postgres
from tests.programs.person import AUTH_SECRET, bearer
from tests.programs.server import Server
from tests.servers.redis import RedisServer

from bench.figure import figure, not_run, percentile
from bench.member import Member, MootMember, NatsMember, SocketIoMember
from bench.ports import free_ports
from bench.process import cpu_s

HERE = Path(__file__).resolve().parent
SOCKET_IO = HERE / "peers/socketio"
MEETING = "FANOUT"
CHANGERS = 4
PACE_S = 0.05
QUIET_S = 0.5
READY_WITHIN_S = 30.0
ALL_WITHIN_S = 30.0
EVENT = b'{"type":"event","kind":"participant.updated","body":{"participant":{"pad":"' + b"x" * 400


@dataclass
class Room:
    """A running server's one room: how to come in, how to change something, whose CPU it is."""

    pids: Sequence[int]
    join: Callable[[int], Awaitable[tuple[Member, Callable[[], Awaitable[None]]]]]


Opener = Callable[[int, bytes], AbstractAsyncContextManager[Room]]


@dataclass
class Measured:
    """One run at one server."""

    deliveries_per_s: float
    deliveries_per_cpu_s: float
    missing: int
    p50_ms: float
    p99_ms: float
    sample: bytes


@asynccontextmanager
async def _redis(processes: int) -> AsyncIterator[str]:
    """Run Redis where there is more than one process; yields its address or an empty text."""
    if processes == 1:
        yield ""
        return
    redis = RedisServer()
    await asyncio.to_thread(redis.start)
    try:
        yield redis.url
    finally:
        redis.stop()


def _started(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


@asynccontextmanager
async def _children(
    commands: Sequence[Sequence[str]], ports: Sequence[int], folder: Path
) -> AsyncIterator[list[int]]:
    """Run programs until each answers on its port; yields their ids, and leaves none alive."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        running += [_started(command, folder) for command in commands]
        deadline = time.monotonic() + READY_WITHIN_S
        for child, port in zip(running, ports, strict=True):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError as refused:
                    if child.poll() is not None or time.monotonic() > deadline:
                        said = (folder / "log").read_text(errors="replace")[-2000:]
                        raise RuntimeError(f"it has not started: {said}") from refused
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        yield [child.pid for child in running]
    finally:
        for child in running:
            child.kill()
            child.wait(10)


@asynccontextmanager
async def moot(processes: int, _: bytes) -> AsyncIterator[Room]:
    """Run moot with fake media."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moot-fanout-")))
        settings = {"MOOT_AUTH_SECRET": AUTH_SECRET, "MOOT_LOG_LEVEL": "warning"}
        if url := await stack.enter_async_context(_redis(processes)):
            settings["MOOT_BUS_URL"] = url
            settings["MOOT_DATABASE_URL"] = stack.enter_context(running_postgres())
        servers = []
        for port in free_ports(processes):
            servers.append(Server(folder / str(port), port=port, **settings))
            stack.callback(servers[-1].kill)
            await servers[-1].start()
        host = servers[0].wire(Authorization=f"Bearer {bearer('member 0')}")
        await host.ask("PUT", f"/api/v1/meetings/{MEETING}", {})
        await host.close()

        async def join(number: int) -> tuple[Member, Callable[[], Awaitable[None]]]:
            server = servers[number % processes]
            name = f"member {number}"
            wire = server.wire(Authorization=f"Bearer {bearer(name)}")
            me = f"/api/v1/meetings/{MEETING}/participants/me"
            body = {"name": name, "connection_id": str(uuid.uuid4())}
            answer = await wire.ask("PUT", me, body)
            if answer.status not in (200, 201):
                raise RuntimeError(f"joining was answered with {answer.status}: {answer.raw!r}")
            await wire.close()
            connection = answer.body["connection"]
            hello = {
                "type": "hello",
                "connection_id": connection["id"],
                "token": connection["token"],
                "fence": connection["fence"],
            }
            path = f"/api/v1/meetings/{MEETING}/events"
            _, member = await asyncio.get_running_loop().create_connection(
                lambda: MootMember(server.port, path, hello), "127.0.0.1", server.port
            )
            is_on = False

            async def change() -> None:
                nonlocal is_on
                is_on = not is_on
                fence = {
                    "Moot_Connection": connection["id"],
                    "Moot_Fence": str(connection["fence"]),
                }
                told = await wire.ask("PATCH", me, {"video": is_on}, **fence)
                if told.status != 200:
                    raise RuntimeError(f"a change was answered with {told.status}: {told.raw!r}")

            return member, change

        yield Room([server.pid for server in servers], join)


@asynccontextmanager
async def socket_io(processes: int, event: bytes) -> AsyncIterator[Room]:
    """Run Socket.IO."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moot-fanout-")))
        url = await stack.enter_async_context(_redis(processes))
        ports = free_ports(processes)
        program = str(SOCKET_IO / "server.js")
        commands = [["node", program, str(port), *([url] if url else [])] for port in ports]
        pids = await stack.enter_async_context(_children(commands, ports, folder))

        async def join(number: int) -> tuple[Member, Callable[[], Awaitable[None]]]:
            port = ports[number % processes]
            _, member = await asyncio.get_running_loop().create_connection(
                lambda: SocketIoMember(port), "127.0.0.1", port
            )
            return member, lambda: member.change(event)

        yield Room(pids, join)


@asynccontextmanager
async def nats(processes: int, event: bytes) -> AsyncIterator[Room]:
    """Run NATS over WebSocket, a cluster where there is more than one process."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moot-fanout-")))
        ports, clients, routes = _distinct(processes)
        commands = []
        for number in range(processes):
            config: dict[str, object] = {
                "host": "127.0.0.1",
                "port": clients[number],
                "websocket": {"host": "127.0.0.1", "port": ports[number], "no_tls": True},
            }
            if processes > 1:
                config["cluster"] = {
                    "name": "bench",
                    "host": "127.0.0.1",
                    "port": routes[number],
                    "routes": [f"nats://127.0.0.1:{port}" for port in routes],
                }
            path = folder / f"{number}.conf"
            # JSON is NATS's own format too.
            path.write_text(json.dumps(config))
            commands.append([_nats_program(), "--config", str(path)])
        pids = await stack.enter_async_context(_children(commands, ports, folder))
        if processes > 1:
            await asyncio.sleep(2)  # the routes are made in the background, and tell nobody

        async def join(number: int) -> tuple[Member, Callable[[], Awaitable[None]]]:
            port = ports[number % processes]
            _, member = await asyncio.get_running_loop().create_connection(
                lambda: NatsMember(port), "127.0.0.1", port
            )
            return member, lambda: member.change(event)

        yield Room(pids, join)


def _distinct(processes: int) -> tuple[list[int], list[int], list[int]]:
    found = free_ports(3 * processes)
    return found[:processes], found[processes : 2 * processes], found[2 * processes :]


def _nats_program() -> str:
    return shutil.which("nats-server") or "/usr/sbin/nats-server"


def prepare() -> tuple[dict[str, Opener], dict[str, str]]:
    """Find the peers; return those that can run, and why the others cannot."""
    openers: dict[str, Opener] = {"moot": moot}
    missing: dict[str, str] = {}
    told = None
    if shutil.which("npm") and not (SOCKET_IO / "node_modules").is_dir():
        told = subprocess.run(
            ["npm", "ci", "--no-progress", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=SOCKET_IO,
            check=False,
            stdout=subprocess.DEVNULL,
            timeout=120,
        )
    if (SOCKET_IO / "node_modules").is_dir() and not (told and told.returncode):
        openers["Socket.IO"] = socket_io
    else:
        missing["Socket.IO"] = "its packages could not be installed by npm"
    if Path(_nats_program()).exists():
        openers["NATS"] = nats
    else:
        missing["NATS"] = "nats-server is not installed, and could not be from Debian"
    return openers, missing


def versions() -> dict[str, str]:
    """Name the versions of the peers."""
    lock = json.loads((SOCKET_IO / "package-lock.json").read_text(encoding="utf-8"))
    found = {"Socket.IO": lock["packages"]["node_modules/socket.io"]["version"]}
    with contextlib.suppress(OSError):
        told = subprocess.run(
            [_nats_program(), "--version"], capture_output=True, text=True, check=False
        )
        found["NATS"] = told.stdout.strip().rpartition("v")[2]
    return found


async def measure(
    open_room: Opener, processes: int, watchers: int, changes: int, event: bytes
) -> Measured:
    """Measure one server once."""
    async with open_room(processes, event) as room:
        crowd = [await room.join(number) for number in range(watchers)]
        members = [member for member, _ in crowd]
        try:
            await asyncio.wait_for(asyncio.gather(*(one.ready for one in members)), READY_WITHIN_S)
            await _quiet(members)
            late_ms = await _lateness(members, crowd[0][1], changes)
            return await _burst(
                room, members, [one for _, one in crowd[:CHANGERS]], changes, late_ms
            )
        finally:
            for member in members:
                member.close()


async def _lateness(
    members: Sequence[Member], change: Callable[[], Awaitable[None]], changes: int
) -> list[float]:
    before = [len(member.arrivals) for member in members]
    sent, due = [], time.monotonic()
    for _ in range(changes):
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due = max(due + PACE_S, time.monotonic())
        sent.append(time.monotonic())
        await change()
    await _all_have(members, [known + changes for known in before])
    return [
        (arrival - began) * 1000
        for member, known in zip(members, before, strict=True)
        for began, arrival in zip(sent, member.arrivals[known:], strict=False)
    ]


async def _burst(
    room: Room,
    members: Sequence[Member],
    changers: Sequence[Callable[[], Awaitable[None]]],
    changes: int,
    late_ms: list[float],
) -> Measured:
    before = [len(member.arrivals) for member in members]
    cpu, began = sum(map(cpu_s, room.pids)), time.monotonic()

    async def hurry(change: Callable[[], Awaitable[None]]) -> None:
        for _ in range(changes):
            await change()

    await asyncio.gather(*(hurry(change) for change in changers))
    wanted = [known + len(changers) * changes for known in before]
    await _all_have(members, wanted)
    used = sum(map(cpu_s, room.pids)) - cpu
    delivered = sum(len(one.arrivals) - known for one, known in zip(members, before, strict=True))
    last = max(member.arrivals[-1] for member in members)
    return Measured(
        deliveries_per_s=delivered / (last - began),
        deliveries_per_cpu_s=delivered / max(used, 0.01),
        missing=max(0, sum(wanted) - sum(before) - delivered),
        p50_ms=percentile(late_ms, 0.5),
        p99_ms=percentile(late_ms, 0.99),
        sample=members[0].sample,
    )


async def _all_have(members: Sequence[Member], wanted: Sequence[int]) -> None:
    """Wait until each member has its count of events, or for as long as is sensible."""
    deadline = time.monotonic() + ALL_WITHIN_S
    for member, count in zip(members, wanted, strict=True):
        await member.has(count, deadline)


async def _quiet(members: Sequence[Member]) -> None:
    """Wait until nothing has arrived for a while."""
    deadline = time.monotonic() + ALL_WITHIN_S
    while time.monotonic() < deadline:
        before = sum(len(member.arrivals) for member in members)
        await asyncio.sleep(QUIET_S)
        if sum(len(member.arrivals) for member in members) == before:
            return


ASPECTS = (
    ("deliveries_per_s", "deliveries per second"),
    ("deliveries_per_cpu_s", "deliveries per CPU-second"),
    ("p50_ms", "ms to seen, p50"),
    ("p99_ms", "ms to seen, p99"),
    ("missing", "deliveries that did not arrive"),
)


def run(watchers: int, changes: int, processes: Sequence[int], rounds: int) -> None:
    """Measure all of them in turn and print the figures."""
    openers, missing = prepare()
    known = versions()
    for peer, reason in missing.items():
        not_run("fanout_peers", peer, reason)
    event = EVENT + b'"}}}'
    for count in processes:
        runs: dict[str, list[Measured]] = {name: [] for name in openers}
        for _ in range(rounds):
            for name, open_room in openers.items():
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    measured = runner.run(measure(open_room, count, watchers, changes, event))
                runs[name].append(measured)
                if name == "moot":
                    event = measured.sample
        case = f"{count} process{'es' if count > 1 else ''}, {watchers} members"
        for aspect, unit in ASPECTS:
            ours = [float(getattr(one, aspect)) for one in runs["moot"]]
            for name in [name for name in openers if name != "moot"] or [""]:
                theirs = [float(getattr(one, aspect)) for one in runs.get(name, [])]
                figure(
                    "fanout_peers",
                    percentile(ours, 0.5),
                    unit,
                    case=case,
                    peer=name or None,
                    peer_value=percentile(theirs, 0.5) if theirs else None,
                    pairs=list(zip(ours, theirs, strict=False)),
                    aim="",
                    seed=None,
                    **known,
                )


def main() -> None:
    """Measure by command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    run(options.watchers, options.changes, options.processes, options.rounds)


if __name__ == "__main__":
    main()
