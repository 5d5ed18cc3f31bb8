"""Real servers: every test here speaks to a `moot serve` of its own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.talk import Talk
from tests.programs.person import AUTH_SECRET, Person
from tests.programs.server import Server

Serve = Callable[..., Awaitable[Server]]
People = Callable[..., Person]
Streams = Callable[..., Awaitable[Talk]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers for one test; `settings` are MOOT_… variables. They share one data folder."""
    started: list[Server] = []

    async def start(
        *, is_awaited: bool = True, data: Path | None = None, **settings: str
    ) -> Server:
        server = Server(data or tmp_path / "data", **({"MOOT_AUTH_SECRET": AUTH_SECRET} | settings))
        started.append(server)
        if is_awaited:
            await server.start()
        return server

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a module that do not change how it runs."""
    made = Server(tmp_path_factory.mktemp("data"), MOOT_AUTH_SECRET=AUTH_SECRET)
    try:
        asyncio.run(made.start())
        yield made
    finally:
        made.kill()


@pytest.fixture
async def people(server: Server) -> AsyncIterator[People]:
    """Make persons of the module's server, or of the given ones; their sockets are closed after."""
    made: list[Person] = []

    def make(name: str, *servers: Server) -> Person:
        made.append(Person(servers or [server], name))
        return made[-1]

    yield make
    for person in made:
        await person.gone()


@pytest.fixture
async def talks(server: Server) -> AsyncIterator[Streams]:
    """Open event streams by hand; they are closed after."""
    made: list[Talk] = []

    async def open_talk(meeting_id: str, *, via: Server | None = None, **headers: str) -> Talk:
        made.append(Talk(via or server, meeting_id, **headers))
        return await made[-1].open()

    yield open_talk
    for talk in made:
        await talk.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that start processes the time that a slow machine needs."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(300))
