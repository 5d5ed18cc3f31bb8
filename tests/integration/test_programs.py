"""The load programs in their short form; tests/README.md has the commands of the full one."""

import pytest
from tests.programs.agreement import agreement
from tests.programs.conformance import conformance
from tests.programs.race import race
from tests.programs.tabs import tabs
from tests.servers.redis import RedisServer
from tests.servers.running import running


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request):
    """What the processes of a run share, as settings: a store, and with `redis` a bus beside it."""
    if request.param == "sqlite":
        yield {}
        return
    server = request.getfixturevalue("postgres")
    database = {"MOOT_DATABASE_URL": server.url(server.create_database())}
    if request.param == "postgres":
        yield database
        return
    with running(RedisServer()) as bus:
        yield database | {"MOOT_BUS_URL": bus.url}


async def test_race_is_one_meeting_and_one_participant_each(settings, tmp_path):
    """MEET-2, MEET-3, JOIN-1: processes and people race; 200 or 201, one `created` for each."""
    history, figures = await race(
        data=tmp_path, processes=3, clients=12, meetings=12, seed=7, **settings
    )
    assert list(history.complaints()) == []
    assert figures["answers"] == 12 * 12 * 3


@pytest.mark.parametrize("settings", ["sqlite", "postgres", "redis"], indirect=True)
async def test_race_through_kills_loses_nothing(settings, tmp_path):
    """JOIN-10: `kill -9` of a random process in the middle; what was acknowledged stays."""
    history, figures = await race(
        data=tmp_path,
        processes=2,
        clients=6,
        meetings=6,
        kills=3,
        every_s=(0.5, 1.5),
        seed=11,
        **settings,
    )
    assert figures["kills"] == 3
    assert list(history.complaints()) == []


async def test_one_person_in_many_tabs_is_one_participant(tmp_path):
    """JOIN-2, JOIN-3, JOIN-6: tabs join, reload and leave at once; every stream ends the same."""
    assert await tabs(data=tmp_path, count=8, rounds=12, seed=3) == []


async def test_two_processes_without_redis_agree(settings, tmp_path):
    """EVENT-1, EVENT-2: every stream's log is the database's, through restarts of either."""
    complaints, figures = await agreement(
        data=tmp_path, processes=2, people=6, seconds=8.0, kills=1, **settings
    )
    assert complaints == []
    assert figures


async def test_api_keeps_its_own_description(tmp_path):
    """ERR-1: every check of schemathesis, stateful sequences included, over every operation."""
    code, said = await conformance(data=tmp_path, examples=2, seed=5)
    assert code == 0, said[-6000:]
