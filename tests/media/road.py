"""A server and its clients with a real network between them, which loses, slows and breaks.

`python -m tests.media.road SCENE` has to run in a network namespace of its own (`unshare --net`):
the clients live there, the server in a second one, with a pair of virtual wires between the two.
Packets are dropped where they come in, so that a sender never hears of it, as on a real network.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.media.program import Program
from tests.media.server import MediaServer

HTTP_PORT = 7880
HERE, THERE = "10.88.0.1", "10.88.0.2"
READY_WITHIN_S = 60.0
MOOT = (sys.executable, "-m", "tests.media.standalone", str(HTTP_PORT), THERE)
RED = (200, 30, 30)
CUT_S = 15.0
"""How long the network is gone: longer than a client waits before it looks for another way."""
BACK_WITHIN_S = 60.0
"""A client tries again at growing intervals; on a busy machine it takes its time."""


class Road:
    """The wire between the namespaces, as seen from the clients' side."""

    def __init__(self, server: int) -> None:
        self._server = server

    def there(self, command: str, text: str | None = None) -> str:
        """Run a command on the server's side."""
        return _run(f"nsenter --net=/proc/{self._server}/ns/net {command}", text)

    def lay(self) -> None:
        """Put up the wire and the addresses."""
        _run("ip link set lo up")
        _run(f"ip link add near type veth peer name far netns {self._server}")
        _run(f"ip address add {HERE}/24 dev near")
        _run("ip link set near up")
        self.there("ip link set lo up")
        self.there(f"ip address add {THERE}/24 dev far")
        self.there("ip link set far up")

    def drop(self, *rules: str) -> None:
        """Drop what matches any of these nft expressions, on both sides; none opens the road."""
        text = "flush ruleset\n"
        if rules:
            lines = "\n".join(f"{rule} drop" for rule in rules)
            text += (
                "table inet road {\nchain come {\n"
                "type filter hook prerouting priority 0;\niif lo accept\n"
                f"{lines}\n}}\n}}\n"
            )
        _run("nft -f -", text)
        self.there("nft -f -", text)

    def narrow(self, rate: str) -> None:
        """Let no more than a rate pass in either direction, with 100 ms of queue."""
        shape = f"tbf rate {rate} burst 16kb latency 100ms"
        _run(f"tc qdisc replace dev near root {shape}")
        self.there(f"tc qdisc replace dev far root {shape}")


def _run(command: str, text: str | None = None) -> str:
    told = subprocess.run(command.split(), input=text, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        raise RuntimeError(f"{command}: {told.stderr.strip()}")
    return told.stdout


@contextmanager
def road(name: str = "moot", command: Sequence[str] = MOOT) -> Iterator[tuple[Road, MediaServer]]:
    """Start a server, moot's media half by default, at the other end of a road."""
    own = os.readlink("/proc/self/ns/net")
    if own == os.readlink(f"/proc/{os.getppid()}/ns/net"):
        raise RuntimeError("this belongs into a network namespace of its own: unshare --net")
    # It waits for a line, so that the wire is there before it looks for its addresses.
    server = subprocess.Popen(
        [
            *("unshare", "--net", "sh", "-c", 'read go; exec "$@"', "sh"),
            *command,
        ],
        stdin=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while os.readlink(f"/proc/{server.pid}/ns/net") == own:
            if time.monotonic() > deadline or server.poll() is not None:
                raise RuntimeError("the server got no namespace of its own")
            time.sleep(0.01)
        laid = Road(server.pid)
        laid.lay()
        assert server.stdin is not None
        server.stdin.write(b"go\n")
        server.stdin.flush()
        while f":{HTTP_PORT}" not in laid.there("ss -Hltn"):
            if time.monotonic() > deadline or server.poll() is not None:
                raise RuntimeError(f"{name} did not start")
            time.sleep(0.05)
        yield laid, MediaServer(name, f"ws://{THERE}:{HTTP_PORT}", server.pid)
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)


async def is_seen_and_heard(ana: Program, bo: Program) -> None:
    """Wait until something new of ana's picture and sound has reached bo."""
    bo.frames["ana.1"].clear()
    bo.levels["ana.1"].clear()
    await bo.until(lambda: len(bo.frames["ana.1"]) > 3, BACK_WITHIN_S)
    await bo.sees("ana.1", RED)
    await bo.until(lambda: any(level > 0.05 for level in bo.levels["ana.1"][-10:]), BACK_WITHIN_S)


async def losing() -> None:
    """A tenth of all packets is lost and 2 Mbit/s pass: picture, sound and data arrive."""
    with road() as (way, server):
        # Not of signalling while they come: one whose first socket times out in the SDK keeps the
        # other program of this process without sound, with livekit-server too.
        way.drop("meta l4proto udp numgen random mod 100 < 10")
        way.narrow("2mbit")
        async with (
            Program(*server.door("ana.1", "ROAD.1")) as ana,
            Program(*server.door("bo.1", "ROAD.1")) as bo,
        ):
            way.drop("numgen random mod 100 < 10")
            await ana.publish_colour(RED)
            await ana.publish_tone()
            await is_seen_and_heard(ana, bo)
            before = bo.counts["ana.1"]
            started = time.monotonic()
            # 15 frames a second are sent; a third of them is a picture that goes on.
            await bo.until(lambda: bo.counts["ana.1"] >= before + 75, 15)
            print(f"75 frames in {time.monotonic() - started:.1f} s")
            for number in range(20):
                await ana.room.local_participant.publish_data(str(number), reliable=True)
            await bo.until(lambda: len(bo.packets) == 20)
            assert [packet.data for packet in bo.packets] == [b"%d" % n for n in range(20)]


async def without_udp() -> None:
    """UDP never passes: the meeting is had over TCP."""
    with road() as (way, server):
        way.drop("meta l4proto udp")
        async with (
            Program(*server.door("ana.1", "ROAD.1")) as ana,
            Program(*server.door("bo.1", "ROAD.1")) as bo,
        ):
            await ana.publish_colour(RED)
            await ana.publish_tone()
            await is_seen_and_heard(ana, bo)


async def udp_cut() -> None:
    """UDP is cut in the midst: the same participants go on over TCP."""
    await _interrupted("meta l4proto udp", stays=True)


async def all_cut() -> None:
    """Nothing passes for 15 s: the same participants go on where they were."""
    await _interrupted("meta l4proto { tcp, udp }", stays=False)


async def _interrupted(rule: str, *, stays: bool) -> None:
    with road() as (way, server):
        async with (
            Program(*server.door("ana.1", "ROAD.1")) as ana,
            Program(*server.door("bo.1", "ROAD.1")) as bo,
        ):
            await ana.publish_colour(RED)
            await ana.publish_tone()
            await is_seen_and_heard(ana, bo)
            sids = [person.room.local_participant.sid for person in (ana, bo)]
            way.drop(rule)
            cut_at = time.monotonic()
            if not stays:
                await asyncio.sleep(CUT_S)
                way.drop()
            # What was on the road before the cut does not count.
            await bo.until(lambda: not _moves(bo), BACK_WITHIN_S)
            await is_seen_and_heard(ana, bo)
            await is_seen_and_heard(ana, bo)
            print(f"back {time.monotonic() - cut_at:.1f} s after the cut")
            now = [person.room.local_participant.sid for person in (ana, bo)]
            assert now == sids, "they were put out and joined again"
            assert not ana.did("disconnected")
            assert not bo.did("disconnected")


def _moves(program: Program) -> bool:
    latest = program.seen_at.get("ana.1", 0.0)
    return time.monotonic() - latest < 1.0


SCENES = {scene.__name__: scene for scene in (losing, without_udp, udp_cut, all_cut)}


if __name__ == "__main__":
    asyncio.run(SCENES[sys.argv[1]]())
