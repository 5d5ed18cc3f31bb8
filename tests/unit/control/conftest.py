"""Every test of control runs on the store in memory and on SQLite."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.unit.control.world import World, make_store

from moot.config import Config
from moot.store.open import open_store

Build = Callable[..., Awaitable[World]]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    @cache
    def migrated() -> Path:
        folder = tmp_path_factory.mktemp("template")
        store = open_store(Config(data=folder))

        async def prepare() -> None:
            await store.open()
            await store.migrate()
            await store.close()

        asyncio.run(prepare())
        return folder / "moot.sqlite3"

    migrated()
    return migrated


@pytest.fixture(params=["memory", "sqlite"])
async def build(
    request: pytest.FixtureRequest, tmp_path: Path, template: Callable[[], Path]
) -> AsyncIterator[Build]:
    """A maker of worlds with settings of a test's own."""
    worlds: list[World] = []

    async def make(**settings: Any) -> World:
        store = make_store(request.param, tmp_path / f"data{len(worlds)}", template)
        world = World(store, **settings)
        worlds.append(world)
        await world.open()
        return world

    yield make
    for world in worlds:
        await world.close()


@pytest.fixture
async def world(build: Build) -> World:
    return await build()
