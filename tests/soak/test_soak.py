"""The meeting that goes on, in its short form; tests/README.md has the command of the full one."""

from pathlib import Path

import pytest
from tests.programs.soak import soak

MINUTES = 5.0


@pytest.mark.timeout(600)
async def test_a_meeting_that_goes_on_does_not_grow(tmp_path: Path) -> None:
    """MEDIA-1, JOIN-4: people come, are seen and go, and the server holds what it held before."""
    complaints, figures = await soak(data=tmp_path, minutes=MINUTES)
    assert complaints == [], figures
    for way in ("leave", "close", "vanish", "reloads", "mutes", "pictures", "frames"):
        assert figures[way], way
