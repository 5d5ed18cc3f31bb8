"""Limits as an attacker meets them: on, by default, without Redis."""

import asyncio

import pytest
from tests.programs.person import AUTH_SECRET
from tests.programs.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server whose limits are on."""
    made = Server(
        tmp_path_factory.mktemp("data"), MOOT_AUTH_SECRET=AUTH_SECRET, MOOT_RATE_LIMITS="on"
    )
    try:
        asyncio.run(made.start())
        yield made
    finally:
        made.kill()


async def test_limits_are_on_unless_somebody_switches_them_off(serve):
    """Switching them off is said at the start, loudly; on, nothing is said."""
    off = await serve(MOOT_RATE_LIMITS="off")
    assert "rate limits are off" in off.log
    on = await serve(MOOT_RATE_LIMITS="on")
    assert "rate limits" not in on.log.lower()


async def test_guessing_passcodes_is_slowed_down(people):
    """Zoom 2020: after five wrong passcodes each further try waits, and longer each time."""
    host, guesser, other = people("pc host"), people("pc guesser"), people("pc other")
    await host.ask("PUT", "/meetings/PASSCODE", {"passcode": "correct horse"})
    path, answers = "/meetings/PASSCODE/participants/me", []
    for number in range(8):
        body = {"name": "G", "passcode": f"wrong {number}"}
        answers.append(await guesser.ask("PUT", path, body))
    codes = [answer.body["code"] for answer in answers]
    assert codes[:5] == ["passcode_wrong"] * 5
    assert set(codes[5:]) == {"rate_limited"}
    assert int(answers[-1].headers["retry-after"]) >= 1
    right = {"name": "G", "passcode": "correct horse"}
    assert (await guesser.ask("PUT", path, right)).body["code"] == "rate_limited"
    assert (await host.ask("PUT", path, {"name": "H"})).status == 201
    assert (await other.ask("GET", "/meetings/PASSCODE")).status == 200


async def test_made_up_forwarding_gives_no_fresh_budget(server):
    """Litestar CVE-2025-59152: 1,000 different X-Forwarded-For, still one address."""
    wire = server.wire()
    statuses = []
    for number in range(1000):
        answer = await wire.ask(
            "GET",
            f"/api/v1/meetings/GUESS{number}",
            X_Forwarded_For=f"198.51.{number // 250}.{number % 250}",
            Forwarded=f"for=198.51.100.{number % 250}",
            X_Real_IP="198.51.100.1",
        )
        statuses.append(answer.status)
    await wire.close()
    assert set(statuses) == {404, 429}
    assert statuses.count(404) <= 60
    assert statuses[-1] == 429


async def test_a_listed_proxy_is_believed(serve):
    """Behind a trusted proxy each person behind it has a budget of their own."""
    server = await serve(MOOT_RATE_LIMITS="on", MOOT_TRUSTED_PROXIES="127.0.0.1")
    wire = server.wire()
    statuses = set()
    for number in range(100):
        answer = await wire.ask(
            "GET", f"/api/v1/meetings/GUESS{number}", X_Forwarded_For=f"198.51.100.{number}"
        )
        statuses.add(answer.status)
    assert statuses == {404}
    # What the browser wrote itself stands left of what the proxy wrote, and does not count.
    for number in range(100):
        answer = await wire.ask(
            "GET",
            f"/api/v1/meetings/OTHER{number}",
            X_Forwarded_For=f"10.0.0.{number}, 203.0.113.9",
        )
    assert answer.status == 429
    secure = await wire.ask("PUT", "/api/v1/meetings/COOKIE", {}, X_Forwarded_Proto="https")
    assert "; Secure" in secure.headers["set-cookie"]
    await wire.close()


async def test_chat_floods_are_held_to_a_rate(serve, people):
    """ASVS V2: one person cannot write faster than people read."""
    ana = people("chat ana", await serve(MOOT_RATE_LIMITS="on"))
    await ana.create("CHATRATE")
    await ana.join("CHATRATE")
    statuses = []
    for number in range(40):
        path = f"/meetings/CHATRATE/chat/00000000-0000-4000-8000-0000000000{number:02d}"
        statuses.append((await ana.ask("PUT", path, {"text": "again"})).status)
    assert statuses[0] == 201
    assert 429 in statuses
