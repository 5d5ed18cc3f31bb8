"""The API as a whole: who is let in, in which order, and what every answer carries."""

import asyncio
import json

import pytest
from tests.unit.http.world import OPERATIONS, World

MEETING = "/api/v1/meetings/ABC-123"


def cookie(reply) -> str:
    return reply.headers["set-cookie"].partition(";")[0]


async def test_create_is_201_then_200_with_the_same_meeting(world):
    """MEET-2: creating again finds the meeting, in any spelling, and never answers 409."""
    first = await world.ask("PUT", MEETING)
    again = await world.ask("PUT", "/api/v1/meetings/%20abc%20123", cookie=cookie(first))
    assert (first.status, again.status) == (201, 200)
    assert (first.json["created"], again.json["created"]) == (True, False)
    assert first.json["meeting"] == again.json["meeting"]
    assert first.headers["etag"] == '"1"'


async def test_guest_cookie_is_made_only_where_a_person_is_needed(world):
    """PERSON-1: looking needs nobody; creating makes a guest, who stays the same one."""
    await world.ask("PUT", MEETING)
    look = await world.ask("GET", MEETING)
    assert look.status == 200
    assert "set-cookie" not in look.headers
    joined = await world.ask("PUT", f"{MEETING}/participants/me", {"name": "Ana"})
    seat = await world.ask("GET", f"{MEETING}/participants/me", cookie=cookie(joined))
    assert seat.json["participant"]["id"] == joined.json["participant"]["id"]
    assert "set-cookie" not in seat.headers


async def test_request_that_cannot_be_read_makes_no_guest(world):
    """ERR-1: bad input changes nothing, and gives no cookie either."""
    reply = await world.ask(
        "PUT", f"{MEETING}/participants/me", content=b"{", content_type="application/json"
    )
    assert reply.status == 400
    assert "set-cookie" not in reply.headers


async def test_forged_cookie_is_401_and_taken_away(world):
    """PERSON-2: a forged cookie is 401, creates nothing, and does not lock the browser out."""
    reply = await world.ask("PUT", MEETING, cookie="moot_guest=forged")
    assert (reply.status, reply.code) == (401, "token_invalid")
    assert "Max-Age=0" in reply.headers["set-cookie"]
    assert (await world.ask("GET", MEETING)).status == 404


async def test_bad_bearer_is_401_even_beside_a_good_cookie(world):
    """PERSON-2: a request with both is judged by the bearer token, and creates nothing."""
    good = cookie(await world.ask("PUT", "/api/v1/meetings/OTHER"))
    for header in ("Bearer forged", "Basic abc", "Bearer", ""):
        if not header:
            continue
        reply = await world.ask("PUT", MEETING, cookie=good, authorization=header)
        assert (reply.status, reply.code) == (401, "token_invalid")
        assert reply.headers["www-authenticate"].startswith("Bearer")
        assert "set-cookie" not in reply.headers
    assert (await world.ask("GET", MEETING)).status == 404


async def test_person_comes_from_the_token_alone(world):
    """PERSON-2: ids of persons in the body or the query are unknown fields."""
    for body in ({"person_id": "guest:0"}, {"user_id": "x"}, {"id": "x"}):
        assert (await world.ask("PUT", f"{MEETING}/participants/me", body)).status == 422
    assert (await world.ask("PUT", f"{MEETING}/participants/me?person_id=x")).status == 422


async def test_commands_without_a_person_are_401(world):
    """PERSON-2: what only somebody who is in can do needs somebody."""
    await world.ask("PUT", MEETING)
    for operation in OPERATIONS:
        if operation.asking == "known":
            path = operation.path.format(
                meeting_id="ABC123", participant_id="x", message_id="x", code="x"
            )
            reply = await world.ask(operation.method, path)
            assert (reply.status, reply.code) == (401, "not_authenticated"), operation.id


@pytest.mark.parametrize("host", ["evil.example", "", "localhost:3000, evil.example"])
async def test_foreign_host_is_421(world, host):
    """A name that was pointed at this machine reaches nothing (DNS rebinding)."""
    reply = await world.ask("GET", "/api/v1/config", host=host)
    assert (reply.status, reply.code) == (421, "host_unknown")


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:3001", "http://localhost:3000.evil"],
)
@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
async def test_foreign_page_cannot_send_commands(world, origin, method):
    """CSRF: whatever changes something must come from the own page or an allowed one."""
    reply = await world.ask(method, MEETING, origin=origin)
    assert (reply.status, reply.code) == (403, "origin_forbidden")
    assert "access-control-allow-origin" not in reply.headers
    assert "set-cookie" not in reply.headers
    assert (await world.ask("GET", MEETING)).status == 404


async def test_own_page_may_send_commands(world):
    """The page's own origin is the host it was asked on."""
    assert (await world.ask("PUT", MEETING, origin="http://localhost:3000")).status == 201


async def test_allowed_page_gets_cors_headers_and_nobody_else():
    """An origin that is listed exactly may call from the browser; preflights are answered."""
    world = await World(allowed_origins=("https://app.example",)).open()
    reply = await world.ask(
        "OPTIONS", MEETING, origin="https://app.example", access_control_request_method="PUT"
    )
    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == "https://app.example"
    assert "PUT" in reply.headers["access-control-allow-methods"]
    assert "moot-fence" in reply.headers["access-control-allow-headers"]
    assert (await world.ask("PUT", MEETING, origin="https://app.example")).status == 201
    other = await world.ask(
        "OPTIONS", MEETING, origin="https://appXexample", access_control_request_method="PUT"
    )
    assert "access-control-allow-origin" not in other.headers


async def test_unknown_address_is_404_and_unknown_method_405(world):
    """ERR-1: every refusal is a problem; 405 says what is allowed."""
    reply = await world.ask("GET", "/api/v1/nothing")
    assert (reply.status, reply.code) == (404, "route_not_found")
    assert reply.headers["content-type"] == "application/problem+json"
    reply = await world.ask("PATCH", "/api/v1/meetings")
    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "OPTIONS, POST"
    assert (await world.ask("OPTIONS", MEETING)).headers["allow"] == (
        "GET, HEAD, OPTIONS, PATCH, PUT"
    )
    for method in ("TRACE", "CONNECT", "BREW", "put"):
        assert (await world.ask(method, MEETING)).status == 405


async def test_head_answers_like_get_without_content(world):
    """RFC 9110 §9.3.2: the same status and headers, no content."""
    await world.ask("PUT", MEETING)
    get, head = await world.ask("GET", MEETING), await world.ask("HEAD", MEETING)
    assert head.status == get.status == 200
    assert head.headers == get.headers
    assert head.content == b""


async def test_reading_never_writes(world):
    """PILOS CVE-2026-22800: GET and HEAD change nothing, whoever asks for whatever."""
    first = await world.ask("PUT", MEETING)
    who = cookie(first)
    await world.ask("PUT", f"{MEETING}/participants/me", {"name": "Ana"}, cookie=who)
    before = repr(vars(world.store._tables))
    for operation in OPERATIONS:
        if operation.method == "GET":
            path = operation.path.format(
                meeting_id="ABC123", participant_id="x", message_id="x", code="x"
            )
            for method in ("GET", "HEAD"):
                for given in (who, ""):
                    await world.ask(method, path, cookie=given)
                    await world.ask(method, path.replace("ABC123", "NEW"), cookie=given)
    assert repr(vars(world.store._tables)) == before


async def test_every_answer_carries_the_safe_headers(world):
    """No sniffing, no framing, no referrer, no caching, for success and refusal alike."""
    for path in (MEETING, "/api/v1/config", "/livez", "/api/v1/nothing"):
        headers = (await world.ask("GET", path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "body_malformed"),
        (b"\xff", 400, "body_malformed"),
        (b"\x00", 400, "body_malformed"),
        (b"[" * 60_000, 422, "body_invalid"),
        (b'{"a":' * 9_000, 422, "body_invalid"),
        (b"null", 422, "body_invalid"),
        (b"[]", 422, "body_invalid"),
        (b"1e999", 422, "body_invalid"),
        (b'{"name": 7}', 422, "body_invalid"),
        (b'{"audio": "yes"}', 422, "body_invalid"),
        (b'{"unknown": 1}', 422, "body_invalid"),
        (b'{"name": "' + b"x" * 400 + b'"}', 422, "body_invalid"),
        (b'{"connection_id": "x"}', 422, "body_invalid"),
        (b'{"name": "\\ud800"}', 400, "body_malformed"),
        (b"x" * 70_000, 413, "body_too_large"),
    ],
)
async def test_bad_bodies_are_4xx(world, content, status, code):
    """ERR-1: bad input of any size or shape gets 4xx and changes nothing."""
    await world.ask("PUT", MEETING)
    reply = await world.ask(
        "PUT", f"{MEETING}/participants/me", content=content, content_type="application/json"
    )
    assert (reply.status, reply.code) == (status, code)
    assert (await world.ask("GET", MEETING)).json["participants"] == 0


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
async def test_bodies_that_are_not_json_are_415(world, content_type):
    """A form on a foreign page could send these without asking the browser's permission."""
    reply = await world.ask("PUT", MEETING, content=b"{}", content_type=content_type)
    assert (reply.status, reply.code) == (415, "media_type_unsupported")


async def test_declared_length_is_believed_before_anything_is_read(world):
    """A body that says it is too large is refused unread; one that lies is cut at the limit."""
    for length in ("70000", "99999999999999999999", "-1", "x"):
        reply = await world.ask(
            "PUT", MEETING, content=b"{}", content_type="application/json", content_length=length
        )
        assert reply.status == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"moot_connection": "x"}, 422),
        ({"moot_fence": "1"}, 422),
        ({"moot_connection": "0198f0a2-8d11-7a52-8c33-0f1e2d3c4b5a", "moot_fence": "-1"}, 422),
        ({"moot_connection": "0198f0a2-8d11-7a52-8c33-0f1e2d3c4b5a", "moot_fence": "9" * 30}, 422),
        ({"moot_connection": "0198f0a2-8d11-7a52-8c33-0f1e2d3c4b5a", "moot_fence": "1"}, 410),
    ],
)
async def test_commands_of_connections_that_are_not_there_change_nothing(world, headers, status):
    """JOIN-3: a command of an unknown or closed connection is refused."""
    who = cookie(await world.ask("PUT", MEETING))
    await world.ask("PUT", f"{MEETING}/participants/me", {"name": "Ana"}, cookie=who)
    reply = await world.ask(
        "PATCH", f"{MEETING}/participants/me", {"audio": True}, cookie=who, **headers
    )
    assert reply.status == status
    seat = await world.ask("GET", f"{MEETING}/participants/me", cookie=who)
    assert seat.json["participant"]["audio"] is False


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/meetings/a%2Fb%2Fc",
        "/api/v1/meetings/%00abc",
        "/api/v1/meetings/abc%0d%0aX:y",
        "/api/v1/meetings/a:b",
        "/api/v1/meetings/" + "a" * 10_000,
        "/api/v1/meetings/%E2%80%AEabc",
        "/api/v1/meetings/%ff%fe",
        "/api/v1/meetings/..%2f..%2fetc",
        "/api/v1/meetings/%",
        "/api/v1/meetings//",
        "/api/v1/meetings/ab",
        "/api/v1/meetings/%C3%9F%C3%9F%C3%9F",
    ],
)
async def test_hostile_meeting_ids_are_4xx(world, path):
    """MEET-1: separators, controls, overrides, traversal and ten kilobytes are no Meeting ID."""
    for method in ("GET", "PUT"):
        assert 400 <= (await world.ask(method, path)).status < 500


async def test_guessing_meeting_ids_is_limited(world):
    """Thirty distinct unknown ids in a minute, then 429, also for ids that exist."""
    await world.ask("PUT", "/api/v1/meetings/REAL", peer="198.51.100.1")
    statuses = [
        (await world.ask("GET", f"/api/v1/meetings/GUESS{number}")).status for number in range(40)
    ]
    assert statuses[:30] == [404] * 30
    assert set(statuses[30:]) == {429}
    reply = await world.ask("GET", "/api/v1/meetings/REAL")
    assert (reply.status, reply.code) == (429, "rate_limited")
    assert int(reply.headers["retry-after"]) >= 1
    assert (await world.ask("GET", "/api/v1/meetings/REAL", peer="198.51.100.1")).status == 200
    world.passed += 61
    assert (await world.ask("GET", "/api/v1/meetings/REAL")).status == 200


async def test_meetings_made_side_by_side_are_all_paid_for(world):
    """Thirty new meetings of one person, then one every two seconds, in whatever way asked for."""
    who = cookie(await world.ask("PUT", MEETING))

    async def make(count: int) -> int:
        work = (world.ask("POST", "/api/v1/meetings", cookie=who) for _ in range(count))
        return [reply.status for reply in await asyncio.gather(*work)].count(201)

    made = await make(100)
    for _ in range(10):
        world.passed += 2
        made += await make(20)
    assert 29 <= made <= 100
    world.passed += 2 * made
    assert await make(1) == 1


async def test_people_who_are_in_are_not_disturbed_by_a_guessing_neighbour(world):
    """A guesser behind the same address cannot take anybody's commands away."""
    who = cookie(await world.ask("PUT", MEETING))
    await world.ask("PUT", f"{MEETING}/participants/me", {"name": "Ana"}, cookie=who)
    for number in range(40):
        await world.ask("GET", f"/api/v1/meetings/GUESS{number}")
    reply = await world.ask("PATCH", f"{MEETING}/participants/me", {"hand": True}, cookie=who)
    assert reply.status == 200
    # The guesser learns nothing by other commands either.
    stranger = world.bearer("stranger")
    for path in (f"{MEETING}/snapshot", "/api/v1/meetings/NOWHERE/snapshot"):
        assert (await world.ask("GET", path, **stranger)).status == 429


async def test_forwarded_addresses_do_not_evade_the_limits(world):
    """Litestar CVE-2025-59152: a made-up X-Forwarded-For gives nobody a fresh budget."""
    statuses = set()
    for number in range(700):
        reply = await world.ask(
            "GET", "/livez", x_forwarded_for=f"10.0.{number // 256}.{number % 256}"
        )
        statuses.add(reply.status)
    assert statuses == {200, 429}


async def test_new_meetings_are_held_to_a_rate(world):
    """Creating makes a row for each call, so one person cannot fill the database."""
    who = cookie(await world.ask("PUT", MEETING))
    statuses = [
        (await world.ask("PUT", f"/api/v1/meetings/NEW{number}", cookie=who)).status
        for number in range(40)
    ]
    assert statuses.count(201) == 29
    assert statuses[-1] == 429
    assert (await world.ask("PUT", MEETING, cookie=who)).status == 429


async def test_snapshot_has_an_etag_that_holds_until_something_changes(world):
    """EVENT-2: 304 while nothing has happened, the new state after."""
    who = cookie(await world.ask("PUT", MEETING))
    await world.ask("PUT", f"{MEETING}/participants/me", {"name": "Ana"}, cookie=who)
    first = await world.ask("GET", f"{MEETING}/snapshot", cookie=who)
    tag = first.headers["etag"]
    again = await world.ask("GET", f"{MEETING}/snapshot", cookie=who, if_none_match=f'"x", {tag}')
    assert (again.status, again.content) == (304, b"")
    assert "content-length" not in again.headers
    await world.ask("PATCH", f"{MEETING}/participants/me", {"hand": True}, cookie=who)
    later = await world.ask("GET", f"{MEETING}/snapshot", cookie=who, if_none_match=tag)
    assert later.status == 200
    assert later.headers["etag"] != tag


async def test_settings_need_the_version_they_change(world):
    """RFC 9110 §13.1.1: 428 without If-Match, 412 for an old one, 400 for nonsense, 200 else."""
    who = cookie(await world.ask("PUT", MEETING))
    body = {"locked": True}
    results = {}
    for given in ("", '"9"', 'W/"1"', "*", "nonsense", '"1"'):
        reply = await world.ask("PATCH", MEETING, body, cookie=who, if_match=given)
        results[given] = reply.status
    assert results == {"": 428, '"9"': 412, 'W/"1"': 412, "*": 400, "nonsense": 400, '"1"': 200}


async def test_a_mistake_of_ours_is_500_without_a_word_about_it(world, monkeypatch):
    """ERR-1: no stack, no secret, no path in the answer; the log has it."""

    async def broken(*_args, **_kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(world.store, "read", broken)
    reply = await world.ask("GET", MEETING)
    assert (reply.status, reply.code) == (500, "internal")
    assert b"secret" not in reply.content


async def test_metrics_count_answers_by_operation_never_by_address(world):
    """The labels are few and name nobody."""
    await world.ask("PUT", MEETING)
    text = (await world.ask("GET", "/metrics")).content.decode()
    assert 'moot_http_requests_total{operation="ensure_meeting",status="201"} 1.0' in text
    assert "ABC" not in text


async def test_answers_are_json_of_the_protocol(world):
    """docs/protocol: a join answers created, meeting, participant, connection, media, snapshot."""
    who = cookie(await world.ask("PUT", MEETING))
    reply = await world.ask("PUT", f"{MEETING}/participants/me", {"name": "Ana"}, cookie=who)
    assert list(json.loads(reply.content)) == [
        "created",
        "meeting",
        "participant",
        "connection",
        "media",
        "snapshot",
    ]
    assert set(reply.json["connection"]) == {"id", "fence", "token", "linger_s", "device"}
    assert set(reply.json["media"]) == {"url", "token", "room", "identity"}
