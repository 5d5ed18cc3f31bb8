"""Health, metrics, the page's settings and the documents."""

import json

import pytest
from tests.unit.http.world import World

from moot.errors import PROBLEMS, Problem
from moot.http.server import _is_trustworthy


async def test_liveness_depends_on_nothing(world, monkeypatch):
    """A database that is away must not get every process killed."""

    async def broken(*_args):
        raise AssertionError("asked the database")

    for name in ("read", "write", "check"):
        monkeypatch.setattr(world.store, name, broken)
    assert (await world.ask("GET", "/livez")).status == 200


async def test_readiness_says_what_is_missing(world, monkeypatch):
    """Unready while draining, while the database is away and while no media is carried."""
    assert (await world.ask("GET", "/readyz")).status == 200
    world.is_draining = True
    reply = await world.ask("GET", "/readyz")
    assert (reply.status, reply.json["reasons"]) == (503, [PROBLEMS["restarting"].sentence])
    world.is_draining = False

    async def away():
        raise Problem("unavailable")

    monkeypatch.setattr(world.store, "check", away)
    assert PROBLEMS["unavailable"].sentence in (await world.ask("GET", "/readyz")).json["reasons"]
    monkeypatch.undo()
    await world.media.close()
    assert (await world.ask("GET", "/readyz")).status == 503


@pytest.mark.parametrize(
    ("setting", "peer", "status"),
    [
        ("local", "127.0.0.1", 200),
        ("local", "::1", 200),
        ("local", "192.0.2.1", 404),
        ("open", "192.0.2.1", 200),
        ("off", "127.0.0.1", 404),
    ],
)
async def test_metrics_are_for_whom_the_setting_says(setting, peer, status):
    """Figures of a server are nobody's business by default."""
    world = await World(metrics=setting).open()
    assert (await world.ask("GET", "/metrics", peer=peer)).status == status


async def test_config_tells_the_page_what_it_needs(world):
    """docs/protocol: version, media, linger time, limits, languages."""
    told = (await world.ask("GET", "/api/v1/config")).json
    assert told["media"] == {"needs_secure_origin": False}
    assert told["linger_s"] == 30.0
    assert "en" in told["languages"]
    away = (await world.ask("GET", "/api/v1/config", host="192.168.1.5:3000")).json
    assert away["media"] == {"needs_secure_origin": True}


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("https://meet.example", True),
        ("http://localhost:3000", True),
        ("http://localhost", True),
        ("http://a.localhost:3000", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000", True),
        ("http://192.168.1.5:3000", False),
        ("http://box", False),
    ],
)
def test_browsers_trust_https_and_this_machine(own, expected):
    """Secure Contexts §3.1: elsewhere there is no camera."""
    assert _is_trustworthy(own) is expected


@pytest.mark.parametrize("problem_id", PROBLEMS)
async def test_every_error_is_explained_where_its_type_points(world, problem_id):
    """RFC 9457 §3.1.1: the `type` of a problem can be opened."""
    reply = await world.ask("GET", f"/api/v1/problems/{problem_id}")
    assert reply.json["code"] == problem_id
    assert reply.json["cure"]


async def test_unknown_error_is_404(world):
    """Nothing is explained that is not in the table."""
    assert (await world.ask("GET", "/api/v1/problems/nothing")).status == 404


async def test_documents_are_served(world):
    """The description for programs and the page for people, side by side."""
    described = await world.ask("GET", "/api/v1/openapi.json")
    assert json.loads(described.content)["openapi"] == "3.1.0"
    page = await world.ask("GET", "/api/v1/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    style = await world.ask("GET", "/api/v1/docs.css")
    assert style.headers["content-type"].startswith("text/css")
