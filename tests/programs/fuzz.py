"""Hostile messages on the event stream: no crash, and no effect on anybody else (EVENT-5, ERR-1).

Three clients send garbage, cut, doubled and oversized messages, with and without a hello, and come
back when they are closed. A fourth one keeps its stream, its numbers and its state.

    python -m tests.programs.fuzz --frames 100000
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import tempfile
import uuid
from pathlib import Path
from typing import Any

import websockets
from tests.programs.person import AUTH_SECRET, Person, greeting
from tests.programs.server import Server


def garbage(chance: random.Random) -> str | bytes:
    """Make a message that a broken or hostile client might send."""
    whole = [
        {"type": "ping", "id": chance.choice([1, "x", None, 1.5, [], {}])},
        {"type": "pong", "id": chance.randint(-5, 5)},
        {"type": "typing", "to": chance.choice([None, "x", str(uuid.uuid4()), 7])},
        {"type": "hello", "connection_id": "x", "token": "y", "fence": chance.randint(-9, 9)},
        {"type": chance.choice(["event", "snapshot", "", "\x00", "hello" * 9])},
    ]
    text = json.dumps(chance.choice(whole))
    match chance.randint(0, 5):
        case 0:
            return text
        case 1:
            return text[: chance.randint(0, len(text))]
        case 2:
            return chance.randbytes(chance.randint(0, 300))
        case 3:
            return "".join(chr(chance.randint(0, 0xD7FF)) for _ in range(chance.randint(0, 200)))
        case 4:
            return "[" * chance.randint(0, 9000)
        case _:
            return text.replace('"', chance.choice(["'", "", '"']), 1)


async def fuzz(server: Server, *, frames: int, seed: int) -> list[str]:
    """Send garbage from three clients at once while a fourth counts what it sees.

    Returns what was wrong, [] if nothing.
    """
    chance = random.Random(seed)
    victim = Person([server], f"fuzz victim {seed}")
    meeting_id = f"FUZZ{seed}"
    await victim.create(meeting_id)
    connection = (await victim.join(meeting_id)).body["connection"]
    stream = victim.watch(meeting_id, connection)
    await asyncio.wait_for(stream.live.wait(), 20)
    attackers = [Person([server], f"fuzz {seed} {n}") for n in range(3)]
    joined = [(await who.join(meeting_id)).body["connection"] for who in attackers]
    url = f"ws://127.0.0.1:{server.port}/api/v1/meetings/{meeting_id}/events"

    async def attack(connection: dict[str, Any], count: int) -> None:
        while count > 0:
            async with websockets.connect(url, compression=None, ping_interval=None) as ws:
                if chance.random() < 0.7:
                    await ws.send(json.dumps(greeting(connection)))
                with contextlib.suppress(websockets.ConnectionClosed):
                    for _ in range(chance.randint(1, 20)):
                        count -= 1
                        await ws.send(garbage(chance))
                        await asyncio.sleep(0)

    await asyncio.gather(*(attack(one, frames // 3) for one in joined))
    before = stream.event_seq
    async with asyncio.timeout(30):
        await victim.insist("PATCH", f"/meetings/{meeting_id}/participants/me", {"hand": True})
        while stream.event_seq <= before:
            await asyncio.sleep(0.05)
    complaints = list(stream.gaps)
    if stream.closed is not None or stream.snapshots != 1:
        complaints.append(f"the stream beside was closed ({stream.closed}) and had to begin again")
    snapshot = await victim.ask("GET", f"/meetings/{meeting_id}/snapshot")
    for participant in snapshot.body["participants"]:
        seen = stream.state[participant["id"]]["status"]
        if seen != participant["status"]:
            complaints.append(f"seen as {seen}, in fact {participant['status']}")
    for who in (victim, *attackers):
        await who.gone()
    if "Event stream failed" in server.log or "Traceback" in server.log:
        complaints.append(server.log[-4000:])
    return complaints


async def _run(data: Path, frames: int, seed: int) -> list[str]:
    server = Server(data, MOOT_AUTH_SECRET=AUTH_SECRET)
    await server.start()
    try:
        return await fuzz(server, frames=frames, seed=seed)
    finally:
        server.stop()


def main() -> int:
    """Fuzz by command; exit code 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moot-fuzz-") as folder:
        complaints = asyncio.run(_run(Path(folder), options.frames, options.seed))
    figures = {"frames": options.frames, "seed": options.seed, "complaints": len(complaints)}
    print(json.dumps({"program": "fuzz", **figures}))
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
