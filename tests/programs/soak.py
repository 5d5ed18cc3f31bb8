"""A meeting that goes on and on: people with pictures come and go, and the server does not grow.

A host stays and must see everyone who comes; guests on LiveKit's SDK join, publish, write, are
muted and go again in every way there is: they leave, reload, or vanish. Beside them people without
media come and go quickly. What the server's process holds in memory, descriptors and threads in the
second quarter of the time is compared with the last quarter.

    python -m tests.programs.soak --minutes 120
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.media.program import Program
from tests.programs.person import AUTH_SECRET, Person, Stream
from tests.programs.server import Server

MEETING = "SOAK"
SAMPLE_EVERY_S = 1.0
SAMPLES_A_LINE = 60
"""After so many samples the program says how it goes."""
QUIET_WITHIN_S = 90.0
"""Descriptors of people who vanished are let go after the linger time, 30 s, and then some."""
LIVE_WITHIN_S = 60.0
"""How long an event stream may take to begin beside everybody's media on the same cores."""
MORE_MEMORY_MIB = 4.0
MORE_MEMORY_PART = 0.05
"""What memory may vary between two quarters of the time, whatever their length."""
MORE_DESCRIPTORS = 6
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """What one process holds: resident memory in MiB, open descriptors, threads."""

    memory_mib: float
    descriptors: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Sample:
        """Read it from /proc."""
        folder = Path(f"/proc/{pid}")
        status = folder.joinpath("status").read_text()
        threads = next(line for line in status.splitlines() if line.startswith("Threads:"))
        return cls(
            memory_mib=int(folder.joinpath("statm").read_text().split()[1]) * _PAGE / 2**20,
            descriptors=len(list(folder.joinpath("fd").iterdir())),
            threads=int(threads.split()[1]),
        )


def middle(samples: Sequence[Sample]) -> Sample:
    """Take the median of each figure."""
    return Sample(
        memory_mib=round(median(one.memory_mib for one in samples), 1),
        descriptors=int(median(one.descriptors for one in samples)),
        threads=int(median(one.threads for one in samples)),
    )


def quarters(samples: Sequence[Sample]) -> tuple[Sample, Sample]:
    """Take the middle of the second and of the last quarter."""
    part = len(samples) // 4
    return middle(samples[part : 2 * part]), middle(samples[-part:])


def judge(before: Sample, after: Sample) -> list[str]:
    """Say what has grown from one quarter to another."""
    grown: list[str] = []
    may_vary_mib = MORE_MEMORY_MIB + before.memory_mib * MORE_MEMORY_PART
    if after.memory_mib - before.memory_mib > may_vary_mib:
        grown.append(f"memory grew from {before.memory_mib} to {after.memory_mib} MiB")
    if after.descriptors > before.descriptors + MORE_DESCRIPTORS:
        grown.append(f"descriptors grew from {before.descriptors} to {after.descriptors}")
    if after.threads > before.threads:
        grown.append(f"threads grew from {before.threads} to {after.threads}")
    return grown


class _Soak:
    """One run: the server, the host's program and what has happened so far."""

    def __init__(self, server: Server, end: float, seed: int) -> None:
        self.server = server
        self.end = end
        self.chance = random.Random(seed)
        self.happened: Counter[str] = Counter()
        self.gaps: list[str] = []
        self.host = Person([server], "host")
        self.host_program: Program | None = None

    def is_over(self) -> bool:
        return time.monotonic() >= self.end

    async def stay(self, least_s: float, most_s: float) -> None:
        wanted = self.chance.uniform(least_s, most_s)
        await asyncio.sleep(max(0.1, min(wanted, self.end - time.monotonic())))

    async def over_and_over(
        self, stay: Callable[[Person], Awaitable[None]], names: list[str]
    ) -> None:
        """Let one of these people at a time come in, until the time is over."""
        while not self.is_over():
            person = Person([self.server], self.chance.choice(names))
            try:
                await stay(person)
            finally:
                await person.gone()

    async def quick(self, person: Person) -> None:
        """Come without media, be present, act, and go in one of the ways there are."""
        seat = await self._join(person)
        stream = person.watch(MEETING, seat["connection"])
        try:
            async with asyncio.timeout(LIVE_WITHIN_S):
                await stream.live.wait()
        except TimeoutError:
            told = f"closed with {stream.closed}, greeted {stream.hellos} times"
            raise AssertionError(f"the stream of {person.name} is not live: {told}") from None
        await self._act(person)
        await self.stay(0.2, 2.0)
        await self._go(person, seat["connection"]["id"], stream)

    async def with_media(self, person: Person) -> None:
        """Come with picture and sound, be seen by the host, and go; some reload once."""
        seat = await self._join(person)
        stream = person.watch(MEETING, seat["connection"])
        program = await self._publish(seat)
        if self.chance.random() < 0.3:
            body = {
                "name": person.name,
                "connection_id": str(uuid.uuid4()),
                "replaces": seat["connection"]["id"],
            }
            path = f"/meetings/{MEETING}/participants/me"
            answer = await person.insist("PUT", path, body)
            assert answer.status == 200, (answer.status, answer.body)
            await program.leave()
            await stream.close()
            seat = answer.body
            stream = person.watch(MEETING, seat["connection"])
            program = await self._publish(seat)
            self.happened["reloads"] += 1
        await self._act(person)
        if self.chance.random() < 0.3:
            path = f"/meetings/{MEETING}/participants/{seat['participant']['id']}/mute"
            answer = await self.host.insist("POST", path, {"sources": ["microphone"]})
            assert answer.status == 200, (answer.status, answer.body)
            self.happened["mutes"] += 1
        await self.stay(1.0, 6.0)
        await program.leave()
        await self._go(person, seat["connection"]["id"], stream)

    async def _join(self, person: Person) -> dict[str, dict[str, str]]:
        answer = await person.join(MEETING, audio=True, video=True)
        assert answer.status in (200, 201), (answer.status, answer.body)
        self.happened["joins"] += 1
        seat: dict[str, dict[str, str]] = answer.body
        return seat

    async def _publish(self, seat: dict[str, dict[str, str]]) -> Program:
        program = Program(seat["media"]["url"], seat["media"]["token"], wants_everything=False)
        await program.__aenter__()
        await program.publish_tone()
        colour = (self.chance.choice((30, 200)), self.chance.choice((30, 200)), 100)
        await program.publish_colour(colour, simulcast=self.chance.random() < 0.3)
        assert self.host_program is not None
        await self.host_program.sees(seat["media"]["identity"], colour)
        self.happened["pictures"] += 1
        return program

    async def _act(self, person: Person) -> None:
        answers = [
            await person.insist(
                "PUT", f"/meetings/{MEETING}/chat/{uuid.uuid4()}", {"text": "here"}
            ),
            await person.insist("PATCH", f"/meetings/{MEETING}/participants/me", {"hand": True}),
        ]
        assert all(answer.status in (200, 201) for answer in answers), answers

    async def _go(self, person: Person, connection_id: str, stream: Stream) -> None:
        way = self.chance.choice(("leave", "close", "vanish"))
        self.happened[way] += 1
        if way == "leave":
            path = f"/meetings/{MEETING}/participants/me?connection_id={connection_id}"
            answer = await person.insist("DELETE", path)
            assert answer.status == 200, (answer.status, answer.body)
        elif way == "close":
            await stream.close()
        self.gaps += stream.gaps

    async def forget_frames(self) -> None:
        """Keep this program itself from growing: the host's is there for the whole time."""
        while True:
            await asyncio.sleep(10)
            assert self.host_program is not None
            self.happened["frames"] += self.host_program.counts.total()
            here = self.host_program.room.remote_participants
            for kept in (self.host_program.frames, self.host_program.levels):
                for name in [name for name in kept if name not in here]:
                    del kept[name]
            self.host_program.counts.clear()
            self.host_program.happened.clear()
            # Programs that have left hold each other, and a thread for each sound they made.
            gc.collect()


async def _sampling(pid: int, samples: list[Sample], happened: Counter[str]) -> None:
    while True:
        samples.append(Sample.of(pid))
        if len(samples) % SAMPLES_A_LINE == 0:
            held = samples[-1]
            print(
                f"{len(samples) * SAMPLE_EVERY_S / 60:.0f} min: {happened['joins']} joins, "
                f"{held.memory_mib:.1f} MiB, {held.descriptors} descriptors, "
                f"{held.threads} threads",
                file=sys.stderr,
            )
        await asyncio.sleep(SAMPLE_EVERY_S)


async def soak(
    *, data: Path, minutes: float, guests: int = 2, quick: int = 2, seed: int = 1
) -> tuple[list[str], dict[str, object]]:
    """Run the meeting; return what was wrong, [] if nothing, and the figures.

    Args:
        data: folder of the server.
        minutes: how long people come and go.
        guests: people with media who are there at a time.
        quick: people without media who are there at a time.
        seed: of who comes, how long they stay and how they go.
    """
    server = Server(data, MOOT_AUTH_SECRET=AUTH_SECRET, MOOT_MEDIA="builtin", MOOT_MEDIA_PORT="0")
    await server.start()
    run = _Soak(server, time.monotonic() + minutes * 60, seed)
    samples: list[Sample] = []
    begun = Sample.of(server.pid)
    try:
        await run.host.create(MEETING)
        seat = (await run.host.join(MEETING, audio=True, video=True)).body
        stream = run.host.watch(MEETING, seat["connection"])
        async with Program(seat["media"]["url"], seat["media"]["token"]) as program:
            run.host_program = program
            await program.publish_tone()
            beside = [
                asyncio.create_task(_sampling(server.pid, samples, run.happened)),
                asyncio.create_task(run.forget_frames()),
            ]
            async with asyncio.TaskGroup() as group:
                for number in range(guests):
                    names = [f"guest {number} {letter}" for letter in "abcdefgh"]
                    group.create_task(run.over_and_over(run.with_media, names))
                for number in range(quick):
                    names = [f"quick {number} {letter}" for letter in "abcdefgh"]
                    group.create_task(run.over_and_over(run.quick, names))
            for task in beside:
                task.cancel()
        await run.host.gone()
        second, last = quarters(samples)
        complaints = [*judge(second, last), *run.gaps, *stream.gaps]
        rest = await _quiet(server.pid, begun)
        if rest.descriptors > begun.descriptors + MORE_DESCRIPTORS:
            complaints.append(
                f"{rest.descriptors} descriptors are open with nobody there, "
                f"{begun.descriptors} before anybody came"
            )
        if "Traceback" in server.log or "panicked" in server.log:
            complaints.append(f"the server's log tells of a fault:\n{server.log[-4000:]}")
    finally:
        await run.host.gone()
        server.stop()
    figures = {
        "minutes": minutes,
        **dict(sorted(run.happened.items())),
        "second_quarter": vars(second),
        "last_quarter": vars(last),
        "before": vars(begun),
        "after": vars(rest),
    }
    return complaints, figures


async def _quiet(pid: int, begun: Sample) -> Sample:
    """Wait until descriptors are let go, and say what is held then."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(QUIET_WITHIN_S):
            while Sample.of(pid).descriptors > begun.descriptors + MORE_DESCRIPTORS:
                await asyncio.sleep(1)
    return Sample.of(pid)


def main() -> int:
    """Run by command; exit code 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--guests", type=int, default=2)
    parser.add_argument("--quick", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moot-soak-") as folder:
        complaints, figures = asyncio.run(
            soak(
                data=Path(folder),
                minutes=options.minutes,
                guests=options.guests,
                quick=options.quick,
                seed=options.seed,
            )
        )
    print(json.dumps({"program": "soak", **figures, "complaints": len(complaints)}))
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
