"""What goes wrong around a server, in short; tests/README.md has the commands of the full form."""

import pytest
from tests.programs import faults


async def test_a_clock_that_steps_disconnects_nobody(tmp_path):
    """C10, JOIN-4: an hour forward, two hours back: no leave, no expiry, numbers in order."""
    complaints, figures = await faults.clock(tmp_path / "data")
    assert complaints == []
    assert figures["disconnects"] == 0


async def test_full_disk_refuses_writes_and_nothing_else(tmp_path):
    """C11, JOIN-10: writes answer 507 or 503, reading and streams go on, and it heals by itself."""
    complaints, figures = await faults.disk(tmp_path / "data")
    assert complaints == []
    assert figures["recovered_s"] < 10


@pytest.mark.parametrize(("restarts", "outage_s"), [(3, 0.0), (0, 3.0)])
async def test_restarted_database_is_503_for_a_moment(tmp_path, restarts, outage_s):
    """C4, ERR-1: the database crashes under load: 503 with Retry-After, then all is as it was."""
    data = tmp_path / "data"
    complaints, figures = await faults.database(data, restarts=restarts, outage_s=outage_s)
    assert complaints == []
    assert figures["answers"][200] > 0
