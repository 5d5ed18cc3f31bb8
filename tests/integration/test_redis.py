"""Two processes with Redis between them: faster with it, right without it (EVENT-1, EVENT-6)."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.programs.agreement import agreement
from tests.programs.person import AUTH_SECRET, Person
from tests.programs.server import Server
from tests.servers.redis import RedisServer
from tests.servers.running import running

from moot.control.watching import POLL_S


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running(RedisServer()) as server:
        yield server


@pytest.fixture
async def pair(redis: RedisServer, tmp_path: Path) -> AsyncIterator[list[Server]]:
    """Two processes on one folder and one Redis."""
    servers = [
        Server(tmp_path / "data", MOOT_AUTH_SECRET=AUTH_SECRET, MOOT_BUS_URL=redis.url)
        for _ in range(2)
    ]
    try:
        await asyncio.gather(*(server.start() for server in servers))
        yield servers
    finally:
        for server in servers:
            server.kill()


@contextlib.asynccontextmanager
async def meanwhile(*works) -> AsyncIterator[None]:
    """Do something on the side, and stop it in the end; what it raises is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


async def harass(redis: RedisServer) -> None:
    """Kill, restart, pause and wake Redis, again and again."""
    while True:
        await asyncio.sleep(0.7)
        await asyncio.to_thread(redis.kill)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(redis.start)
        await asyncio.sleep(1.0)
        redis.pause()
        try:
            await asyncio.sleep(1.0)
        finally:
            redis.wake()


@pytest.mark.redis
@pytest.mark.timeout(120)
async def test_every_log_is_the_database_s_while_redis_dies(
    redis: RedisServer, tmp_path: Path
) -> None:
    """EVENT-1: with Redis killed and paused again and again all streams are gapless and equal."""
    async with meanwhile(harass(redis)):
        complaints, figures = await agreement(
            data=tmp_path / "data",
            processes=2,
            people=8,
            seconds=12,
            kills=1,
            MOOT_BUS_URL=redis.url,
        )
    assert complaints == []
    assert figures["events"] > 50


@pytest.mark.redis
@pytest.mark.timeout(120)
async def test_other_process_hears_at_once(pair: list[Server]) -> None:
    """EVENT-4: with Redis a change is seen on another process well before the store is polled."""
    ana, bo = Person([pair[0]], "ana"), Person([pair[1]], "bo")
    try:
        await ana.create("REDIS")
        joined = (await ana.join("REDIS")).body
        there = (await bo.join("REDIS")).body
        stream = bo.watch("REDIS", there["connection"])
        async with asyncio.timeout(15):
            await stream.live.wait()
            await connected(pair)
        connection = joined["connection"]
        named = {"Moot_Connection": connection["id"], "Moot_Fence": str(connection["fence"])}
        waits = []
        for n in range(21):
            answer = await ana.insist(
                "PATCH", "/meetings/REDIS/participants/me", {"video": n % 2 == 0}, **named
            )
            assert answer.status == 200
            done, before = time.monotonic(), stream.event_seq
            async with asyncio.timeout(10):
                while len(stream.log) <= n:
                    await asyncio.sleep(0.001)
            waits.append(max(0.0, max(stream.arrivals.values()) - done))
            assert before <= stream.event_seq
        assert statistics.median(waits) < POLL_S / 3
    finally:
        for person in (ana, bo):
            await person.gone()


async def connected(servers: list[Server]) -> None:
    """Wait until each process says that it hears the others."""
    for server in servers:
        while b"moot_bus_connected 1.0" not in await asked(server, "/metrics"):
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.2)


async def asked(server: Server, path: str) -> bytes:
    """Read a page that must answer 200."""
    wire = server.wire()
    try:
        answer = await wire.ask("GET", path)
    finally:
        await wire.close()
    assert answer.status == 200
    return answer.raw


@pytest.mark.redis
@pytest.mark.timeout(120)
async def test_alive_and_useful_without_redis(pair: list[Server], redis: RedisServer) -> None:
    """EVENT-6: with Redis gone the server is alive, and changes are seen within a second."""
    ana, bo = Person([pair[0]], "ana"), Person([pair[1]], "bo")
    try:
        await ana.create("REDIS")
        there = (await bo.join("REDIS")).body
        stream = bo.watch("REDIS", there["connection"])
        async with asyncio.timeout(15):
            await stream.live.wait()
        redis.kill()
        await asyncio.sleep(3.5)
        for server in pair:
            await asked(server, "/livez")
        seen = stream.event_seq
        await ana.join("REDIS")
        async with asyncio.timeout(2):
            while stream.event_seq == seen:
                await asyncio.sleep(0.01)
    finally:
        for person in (ana, bo):
            await person.gone()
