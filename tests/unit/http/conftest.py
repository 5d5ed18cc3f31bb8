import pytest
from tests.unit.http.world import World


@pytest.fixture
async def world() -> World:
    return await World().open()
