from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.unit.media.scripted import Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A started engine over a scripted core."""
    made = Stage()
    await made.start()
    yield made
    await made.engine.close()
