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

RED = (200, 30, 30)
MEETING = "MOVED"


@pytest.mark.timeout(120)
async def test_the_picture_is_back_when_the_carrier_is_killed(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """JOIN-10: both are sent to one process; killed, its meeting is carried by the other."""
    url = postgres.url(postgres.create_database())
    servers = []
    for number in range(2):
        port = free_port()
        servers.append(
            Server(
                tmp_path / str(number),
                port=port,
                MOOT_AUTH_SECRET=AUTH_SECRET,
                MOOT_SECRET="one secret for every process of this test",
                MOOT_DATABASE_URL=url,
                MOOT_MEDIA="builtin",
                MOOT_MEDIA_PORT="0",
                MOOT_MEDIA_URL=f"ws://127.0.0.1:{port}",
            )
        )
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
