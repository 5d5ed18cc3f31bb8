"""Who is listed, how often, with what role, and after how long, when a seat is tried?

Seven scenes that every meeting has sooner or later are played against each peer with its own
client: many who start the same meeting at once, a page reloaded again and again, the late close of
an old connection, the host's reload, a second tab, a change of network, and the server's death. A
watcher sits in the meeting; what its list says is looked at every 5 ms. A list is right when the
person stands in it exactly once, as connected, in the right role (where the peer has roles), and
the person's own page says that it is in.

    python -m bench.seats [--rounds 2] [--people 100] [--reloads 20] [--only moot …] [--scene …]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path as Folder

from tests.livekit.server import version as livekit_version

from bench import janus
from bench.figure import figure, not_run
from bench.seat_path import Path
from bench.seat_peers import HOST, Entry, Janus, LiveKit, Moot, Peer, Tab, quiet_sdk

EVERY_S = 0.005
RELOAD_S = 0.3
"""How long a page takes to load again before it joins."""
STORM_S = 0.1
"""The same for somebody who presses reload again before the page is there."""
LATE_S = 2.0
WATCHED_S = 3.0
"""How long the list is watched after a scene."""
BACK_WITHIN_S = 40.0
RACE_WITHIN_S = 90.0
AGREED_WITHIN_S = 20.0
"""After the last of many has come in, for all lists to agree."""
SEED = 7
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Sample:
    """The watcher's list at one time.

    Attributes:
        is_in: whether the person's own page says that it is in.
        departures: whose going had been announced to the watcher so far.
    """

    at: float
    entries: tuple[Entry, ...]
    is_in: bool = True
    departures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a scene came to.

    Attributes:
        entries: the most lines of the one person at any time.
        gone: how often the others were told that the person has gone.
        missing_ms: how long no line of the person stood in the list.
        right_ms: from the beginning until the list was right for good; None: it never was.
        hosts: lines with the host's role at the end; None where there are no roles.
        others: further figures, by unit.
    """

    entries: int
    gone: int
    missing_ms: float
    right_ms: float | None
    hosts: int | None
    others: dict[str, float] = field(default_factory=dict)


def judge(samples: Sequence[Sample], person: str, began: float, *, is_host: bool | None) -> Verdict:
    """Judge what a watcher saw.

    Args:
        samples: in the order of time; those before `began` are left out, but for the last.
        person: whom the scene is about.
        began: when the scene began, by the same clock.
        is_host: the role that is right; None where the peer has none.
    """
    before = [sample for sample in samples if sample.at < began][-1:]
    seen = [*before, *(sample for sample in samples if sample.at >= began)]
    counts = [sum(entry.person == person for entry in sample.entries) for sample in seen]
    gone = seen[-1].departures.count(person) - seen[0].departures.count(person)
    missing = sum(
        later.at - max(sample.at, began)
        for (sample, later), count in zip(itertools.pairwise(seen), counts, strict=False)
        if not count
    )
    wrong = [sample.at for sample in seen if not _is_right(sample, person, is_host)]
    right_ms: float | None = 0.0
    if wrong:
        after = [sample.at for sample in seen if sample.at > wrong[-1]]
        right_ms = max(0.0, after[0] - began) * 1000 if after else None
    hosts = None
    if is_host is not None:
        hosts = sum(entry.is_host for entry in seen[-1].entries)
    # Nothing is known between two looks: whole milliseconds are more than enough.
    right_ms = None if right_ms is None else round(right_ms)
    return Verdict(max(counts), gone, round(missing * 1000), right_ms, hosts)


def _is_right(sample: Sample, person: str, is_host: bool | None) -> bool:
    lines = [entry for entry in sample.entries if entry.person == person]
    return (
        sample.is_in
        and len(lines) == 1
        and lines[0].is_connected
        and (is_host is None or lines[0].is_host == is_host)
    )


class Chronicle:
    """What a watcher's list says, over time."""

    def __init__(self, watcher: Tab, tabs: list[Tab]) -> None:
        self.samples: list[Sample] = []
        self._watcher = watcher
        self._tabs = tabs

    def note(self) -> Sample:
        """Look now."""
        is_in = self._watcher.is_live and self._tabs[-1].is_live
        sample = Sample(
            time.monotonic(),
            tuple(self._watcher.listed()),
            is_in,
            tuple(self._watcher.departures),
        )
        self.samples.append(sample)
        return sample

    async def keep(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.note()
            await asyncio.sleep(EVERY_S)


@dataclass
class Stage:
    """One meeting with a watcher and one person, both in."""

    peer: Peer
    meeting: str
    person: str
    watcher: Tab
    tabs: list[Tab]
    chronicle: Chronicle
    path: Path
    loose: set[asyncio.Task[None]] = field(default_factory=set)

    async def join(self, *, replaces: Tab | None = None) -> Tab:
        """Let the person come in by another tab, which is the one that counts from now on."""
        port = self.path.port
        tab = await self.peer.join(
            self.person, self.meeting, port=port, replaces=replaces, creates=False
        )
        if tab.error:
            raise RuntimeError(f"{self.peer.name}: {tab.error}")
        self.tabs.append(tab)
        return tab

    async def reload(self, pause_s: float) -> Tab:
        """Let the page go, and load it again."""
        old = self.tabs[-1]
        leaving = asyncio.create_task(old.unload())
        self.loose.add(leaving)
        leaving.add_done_callback(self.loose.discard)
        await asyncio.sleep(pause_s)
        return await self.join(replaces=old)

    async def until_right(self, within_s: float) -> None:
        """Wait until the list is right, or as long as is sensible."""
        is_host = self.person == HOST if self.peer.has_roles else None
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if _is_right(self.chronicle.note(), self.person, is_host):
                return
            await asyncio.sleep(EVERY_S)

    async def until_out(self, began: float, *tabs: Tab) -> None:
        """Wait until these pages have noticed a cut: before, what they show is of before it."""
        noticed: set[int] = set()
        while len(noticed) < len(tabs) and time.monotonic() < began + BACK_WITHIN_S:
            noticed.update(number for number, tab in enumerate(tabs) if not tab.is_live)
            await asyncio.sleep(EVERY_S / 2)

    def judge(self, began: float, **others: float) -> Verdict:
        """Judge what the watcher saw since a time."""
        is_host = self.person == HOST if self.peer.has_roles else None
        verdict = judge(self.chronicle.samples, self.person, began, is_host=is_host)
        verdict.others.update(others)
        return verdict


@asynccontextmanager
async def stage(peer: Peer, person: str = "Ana") -> AsyncIterator[Stage]:
    """Open a meeting with its host in it, a watcher, and the person whom the scene is about."""
    meeting = f"SEAT{next(_numbers):04}{random.randrange(16**4):04X}"
    async with Path(peer.port) as path:
        host = await peer.join(HOST, meeting, port=path.port if person == HOST else 0, creates=True)
        watcher = await peer.join("Wim", meeting, creates=False)
        tabs = (
            [host]
            if person == HOST
            else [await peer.join(person, meeting, port=path.port, creates=False)]
        )
        everyone = [host, watcher, *tabs]
        for tab in everyone:
            if tab.error:
                raise RuntimeError(f"{peer.name}: {tab.error}")
        chronicle = Chronicle(watcher, tabs)
        made = Stage(peer, meeting, person, watcher, tabs, chronicle, path)
        await made.until_right(BACK_WITHIN_S)
        keeping = asyncio.create_task(chronicle.keep())
        try:
            await asyncio.sleep(0.2)
            yield made
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, *made.loose, return_exceptions=True)
            await asyncio.gather(
                *(tab.close() for tab in {id(one): one for one in [*everyone, *tabs]}.values()),
                return_exceptions=True,
            )


async def storm(peer: Peer, reloads: int) -> Verdict:
    """One person reloads again and again; the list is to be right after the last time."""
    async with stage(peer) as here:
        began = last = time.monotonic()
        for _ in range(reloads):
            last = time.monotonic()
            await here.reload(STORM_S)
        await here.until_right(BACK_WITHIN_S)
        await asyncio.sleep(WATCHED_S)
        whole, end = here.judge(began), here.judge(last)
        return Verdict(whole.entries, whole.gone, whole.missing_ms, end.right_ms, whole.hosts)


async def late_close(peer: Peer) -> Verdict:
    """The page is loaded again, and the close of the old connection comes 2 s late."""
    async with stage(peer) as here:
        (old,) = here.tabs
        began = time.monotonic()
        await here.join(replaces=old)
        await asyncio.sleep(LATE_S)
        await old.close()
        await here.until_right(BACK_WITHIN_S)
        await asyncio.sleep(WATCHED_S)
        return here.judge(began)


async def host_reload(peer: Peer) -> Verdict:
    """The host reloads the page once."""
    async with stage(peer, HOST) as here:
        began = time.monotonic()
        await here.reload(RELOAD_S)
        await here.until_right(BACK_WITHIN_S)
        await asyncio.sleep(WATCHED_S)
        return here.judge(began)


async def second_tab(peer: Peer) -> Verdict:
    """The same person opens a second tab, and wants both."""
    async with stage(peer) as here:
        began = time.monotonic()
        await here.join()
        await here.until_right(WATCHED_S)
        await asyncio.sleep(WATCHED_S)
        staying = sum(tab.is_live for tab in here.tabs)
        return here.judge(began, **{"tabs that stay in, of 2": staying})


async def flip(peer: Peer) -> Verdict:
    """The person's network changes: the old socket goes silent, the next has another port."""
    async with stage(peer) as here:
        began = time.monotonic()
        here.path.flip()
        await here.until_out(began, here.tabs[-1])
        await here.until_right(BACK_WITHIN_S)
        await asyncio.sleep(WATCHED_S)
        return here.judge(began)


async def death(peer: Peer) -> Verdict:
    """The server is killed, and started again at once."""
    async with stage(peer, HOST) as here:
        began = time.monotonic()
        peer.kill()
        noticing = asyncio.create_task(here.until_out(began, here.watcher, here.tabs[-1]))
        await peer.start()
        started = time.monotonic()
        await noticing
        await here.until_right(BACK_WITHIN_S)
        await asyncio.sleep(WATCHED_S)
        return here.judge(began, **{"ms until the server answers again": (started - began) * 1000})


async def race(peer: Peer, people: int) -> Verdict:
    """Everyone creates the same meeting and joins it, all at once."""
    meeting = f"RACE{next(_numbers):04}{random.randrange(16**4):04X}"
    names = [f"Person-{number}" for number in range(people)]
    wanted = sorted(names)
    tabs: list[Tab] = []
    most = 0
    everyone_in: list[float] = []

    async def come(name: str) -> Tab:
        tab = await peer.join(name, meeting, creates=True)
        tabs.append(tab)
        return tab

    def views() -> list[list[Entry]]:
        return [tab.listed() for tab in tabs if tab.is_live]

    began = time.monotonic()
    coming = asyncio.gather(*(come(name) for name in names), return_exceptions=True)
    right_ms = None
    until = began + RACE_WITHIN_S
    coming.add_done_callback(lambda _: everyone_in.append(time.monotonic()))
    while time.monotonic() < min([until, *(at + AGREED_WITHIN_S for at in everyone_in)]):
        # All lists together are long: looking at them too often would be what is measured.
        first = Counter(entry.person for tab in tabs[:1] for entry in tab.listed())
        most = max([most, *first.values()])
        if coming.done() and len(first) == people:
            seen = views()
            if len(seen) == people and all(
                sorted(entry.person for entry in view) == wanted for view in seen
            ):
                right_ms = (time.monotonic() - began) * 1000
                break
        await asyncio.sleep(0.1)
    done = await coming
    refused = sum(isinstance(one, BaseException) or bool(one.error) for one in done)
    seen = views()
    hosts = sum(entry.is_host for entry in seen[0]) if seen and peer.chooses_host else None
    await asyncio.gather(*(tab.close() for tab in tabs), return_exceptions=True)
    return Verdict(most, 0, 0.0, right_ms, hosts, {"creates or joins refused": float(refused)})


Scene = Callable[[Peer], Awaitable[Verdict]]


def scenes(people: int, reloads: int) -> dict[str, Scene]:
    """Name the scenes in the order of the page."""
    return {
        f"{people} create and join at once": lambda peer: race(peer, people),
        f"{reloads} reloads in a row": lambda peer: storm(peer, reloads),
        "late close of the old connection": late_close,
        "the host reloads": host_reload,
        "a second tab": second_tab,
        "the network changes": flip,
        "kill -9 and restart": death,
    }


def tell(case: str, ours: Sequence[Verdict], theirs: Sequence[Verdict], peer: str) -> None:
    """Print the figures of one scene beside one peer."""
    known = {"livekit-server": livekit_version(), "livekit (SDK)": version("livekit")}
    if not janus.absence():
        known["Janus"] = janus.version()

    def show(unit: str, of: Callable[[Verdict], float | None], aim: str = "") -> None:
        mine = [value for one in ours if (value := of(one)) is not None]
        others = [value for one in theirs if (value := of(one)) is not None]
        if not mine:
            return
        # What came out differently in a round counts at its worst; times at their median.
        middle = statistics.median if unit.startswith("ms") else max
        figure(
            "seats",
            middle(mine),
            unit,
            case=case,
            peer=peer or None,
            peer_value=middle(others) if others else None,
            pairs=list(zip(mine, others, strict=False)),
            aim=aim,
            seed=SEED,
            **known,
        )

    show("entries listed of one person, at most", lambda one: one.entries, "1")
    show("hosts listed", lambda one: one.hosts, "1")
    if "at once" not in case:
        show("times the others were told that the person left", lambda one: one.gone, "0")
        show("ms missing from the list", lambda one: one.missing_ms, "0")
    for unit in ours[0].others:
        show(unit, lambda one, unit=unit: one.others.get(unit))  # type: ignore[misc]
    show("ms until the list is right", lambda one: one.right_ms)


async def play(peers: Sequence[Callable[[], Peer]], wanted: dict[str, Scene], rounds: int) -> None:
    """Play every scene at every peer in turn, and print the figures."""
    with ExitStack() as stack:
        running = []
        for make in peers:
            peer = make()
            stack.callback(peer.forget)
            await peer.start()
            running.append(peer)
        never = []
        for case, scene in wanted.items():
            found: dict[str, list[Verdict]] = {peer.name: [] for peer in running}
            for _ in range(rounds):
                for peer in running:
                    found[peer.name].append(await scene(peer))
            ours = found.pop("moot")
            for name, theirs in found.items() or [("", [])]:
                tell(case, ours, theirs, name)
            if any(one.right_ms is None for one in ours):
                never.append(case)
        if never:
            raise SystemExit(f"moot's list never was right: {', '.join(never)}")


def main() -> None:
    """Measure by command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--reloads", type=int, default=20)
    parser.add_argument("--only", nargs="*", help="the peers to run beside moot")
    parser.add_argument("--scene", nargs="*", help="words of the scenes to play")
    options = parser.parse_args()
    random.seed(SEED)
    quiet_sdk()
    peers: list[Callable[[], Peer]] = [LiveKit]
    if reason := janus.absence():
        not_run("seats", "Janus", reason)
    else:
        peers.append(Janus)
    if options.only is not None:
        peers = [peer for peer in peers if peer.name in options.only]  # type: ignore[attr-defined]
    wanted = {
        case: scene
        for case, scene in scenes(options.people, options.reloads).items()
        if not options.scene or any(word in case for word in options.scene)
    }
    with tempfile.TemporaryDirectory(prefix="moot-seats-") as folder:
        asyncio.run(play([lambda: Moot(Folder(folder)), *peers], wanted, options.rounds))


if __name__ == "__main__":
    main()
