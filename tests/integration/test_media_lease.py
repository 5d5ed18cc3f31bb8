"""Several processes carry media with moot's own engine: one meeting is on one of them (MEDIA-3)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from tests.media.program import Program
from tests.programs.person import AUTH_SECRET, Person
from tests.programs.server import Server, free_port
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.running import running

ENFORCED_WITHIN_S = 0.1
RED = (200, 30, 30)
MEETING = "MOVED"


def make_pair(postgres: PostgresServer, folder: Path, **settings: str) -> list[Server]:
    """Make two processes that carry media on one fresh database."""
    url = postgres.url(postgres.create_database())
    ports = [free_port() for _ in range(2)]
    return [
        Server(
            folder / str(port),
            port=port,
            MOOT_AUTH_SECRET=AUTH_SECRET,
            MOOT_SECRET="one secret for every process of this test",
            MOOT_DATABASE_URL=url,
            MOOT_MEDIA="builtin",
            MOOT_MEDIA_PORT="0",
            MOOT_MEDIA_URL=f"ws://127.0.0.1:{port}",
            **settings,
        )
        for port in ports
    ]


@pytest.mark.redis
@pytest.mark.timeout(120)
async def test_a_mute_through_another_process_is_enforced_at_once(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """HOST-4, EVENT-4: 100 ms after the answer no packet passes, whichever process was asked."""
    with running(RedisServer()) as redis:
        servers = make_pair(postgres, tmp_path, MOOT_BUS_URL=redis.url)
        people = [Person(servers, name) for name in ("ana", "bo")]
        try:
            for server in servers:
                await server.start()
            await people[0].create(MEETING)
            ana, bo = [(await each.join(MEETING, audio=True)).body for each in people]
            url = bo["media"]["url"]
            other = next(each for each in servers if str(each.port) not in url)
            async with (
                Program(ana["media"]["url"], ana["media"]["token"]) as one,
                Program(url, bo["media"]["token"]) as two,
            ):
                await two.publish_tone()
                await one.hears(bo["media"]["identity"])
                path = f"/meetings/{MEETING}/participants/{bo['participant']['id']}/mute"
                body = {"sources": ["microphone"]}
                assert (await people[0].ask("POST", path, body, via=other)).status == 200
                await asyncio.sleep(ENFORCED_WITHIN_S)
                heard = await one.packets_of("audio")
                assert heard > 0
                await asyncio.sleep(1.5)
                assert await one.packets_of("audio") == heard
        finally:
            for person in people:
                await person.gone()
            for server in servers:
                server.kill()


@pytest.mark.timeout(120)
async def test_the_picture_is_back_when_the_carrier_is_killed(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """JOIN-10: both are sent to one process; killed, its meeting is carried by the other."""
    servers = make_pair(postgres, tmp_path)
    people = [Person([server], name) for server, name in zip(servers, ("ana", "bo"), strict=True)]
    try:
        for server in servers:
            await server.start()
        assert (await people[0].create(MEETING)).status == 201
        ana, bo = [(await each.join(MEETING, video=True)).body["media"] for each in people]
        assert ana["url"] == bo["url"]
        async with (
            Program(ana["url"], ana["token"]) as one,
            Program(bo["url"], bo["token"]) as two,
        ):
            await two.publish_colour(RED)
            await one.sees(bo["identity"], RED)
            carrier = next(each for each in servers if str(each.port) in bo["url"])
            other = next(each for each in servers if each is not carrier)
            carrier.kill()
            killed_at = time.monotonic()
        for person in people:
            await person.gone()
        people = [Person([other], name) for name in ("ana", "bo")]
        async with asyncio.timeout(15):
            while True:
                media = [(await each.join(MEETING, video=True)).body["media"] for each in people]
                if all(str(other.port) in each["url"] for each in media):
                    break
                await asyncio.sleep(0.1)
        ana, bo = media
        async with (
            Program(ana["url"], ana["token"]) as one,
            Program(bo["url"], bo["token"]) as two,
        ):
            await two.publish_colour(RED)
            await one.sees(bo["identity"], RED)
            assert time.monotonic() - killed_at < 15
    finally:
        for person in people:
            await person.gone()
        for server in servers:
            server.kill()
