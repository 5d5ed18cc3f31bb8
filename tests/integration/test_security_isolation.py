"""One meeting's ids are worth nothing in another, and one role's commands nothing to another."""

import uuid

import pytest
from tests.programs.person import greeting

STRANGE = str(uuid.uuid4())


async def test_ids_of_one_meeting_are_unknown_in_another(people, talks):
    """BBB CVE-2022-29232, 29233: every id of meeting A, used in B by B's host, is 404."""
    ana, ben, cleo = people("iso ana"), people("iso ben"), people("iso cleo")
    await ana.create("ISOA")
    a = (await ana.join("ISOA")).body
    target = (await cleo.join("ISOA")).body["participant"]["id"]
    message = str(uuid.uuid4())
    assert (await ana.ask("PUT", f"/meetings/ISOA/chat/{message}", {"text": "for A"})).status == 201
    await ben.create("ISOB")
    await ben.join("ISOB")
    for method, path, body in (
        ("POST", f"participants/{target}/mute", {"sources": ["microphone"]}),
        ("PUT", f"participants/{target}/role", {"role": "host"}),
        ("POST", f"participants/{target}/remove", None),
        ("POST", f"participants/{target}/restore", None),
        ("POST", f"participants/{target}/lower_hand", None),
        ("POST", f"lobby/{target}/admit", None),
        ("POST", f"lobby/{target}/deny", None),
        ("PATCH", f"chat/{message}", {"text": "changed"}),
        ("DELETE", f"chat/{message}", None),
        ("PUT", f"chat/{STRANGE}", {"text": "hello", "to": target}),
        ("PUT", f"chat/{STRANGE}", {"text": "hello", "reply_to": message}),
        ("GET", f"chat?before={message}", None),
    ):
        answer = await ben.ask(method, f"/meetings/ISOB/{path}", body)
        assert answer.status == 404, (method, path, answer.body)
    chat = await ana.ask("GET", "/meetings/ISOA/chat")
    assert [m["text"] for m in chat.body["messages"]] == ["for A"]
    # The same message id posted in B is refused or B's own, and A's stays as it was.
    await ben.ask("PUT", f"/meetings/ISOB/chat/{message}", {"text": "for B"})
    chat = await ana.ask("GET", "/meetings/ISOA/chat")
    assert [m["text"] for m in chat.body["messages"]] == ["for A"]
    # A's connection opens no stream of B.
    stream = await talks("ISOB")
    await stream.say(greeting(a["connection"]))
    assert await stream.closed() == 4003


def commands(target: str) -> list[tuple[str, str, object]]:
    """Everything that only hosts may do."""
    return [
        ("POST", f"participants/{target}/mute", {"sources": ["microphone"]}),
        ("POST", "participants/mute", {"sources": ["microphone"]}),
        ("PUT", f"participants/{target}/role", {"role": "host"}),
        ("POST", f"participants/{target}/remove", None),
        ("POST", f"participants/{target}/restore", None),
        ("POST", f"participants/{target}/lower_hand", None),
        ("POST", f"lobby/{target}/admit", None),
        ("POST", f"lobby/{target}/deny", None),
        ("POST", "lobby/admit", None),
        ("POST", "end", {}),
    ]


INSIDE = [
    ("GET", "snapshot", None),
    ("GET", "participants", None),
    ("GET", "chat", None),
    ("PUT", f"chat/{STRANGE}", {"text": "hello"}),
    ("PATCH", f"chat/{STRANGE}", {"text": "hello"}),
    ("DELETE", f"chat/{STRANGE}", None),
    ("PATCH", "participants/me", {"audio": True}),
    ("POST", "reactions", {"emoji": "👏"}),
]
"""Everything that only people who are in may do."""


@pytest.mark.parametrize("role", ["guest", "waiting", "removed", "left", "stranger"])
async def test_nobody_but_a_host_does_what_hosts_do(people, role):
    """HOST-4, Talk CVE-2026-45266: guests, waiting, removed and gone people and strangers: 403."""
    meeting = f"ROLE{role.upper()}"
    host, other, target = people(f"{role} host"), people(f"{role} other"), people(f"{role} target")
    await host.create(meeting)
    await host.join(meeting)
    victim = (await target.join(meeting, audio=True)).body["participant"]["id"]
    if role in ("guest", "removed", "left"):
        me = (await other.join(meeting)).body["participant"]["id"]
    if role == "removed":
        path = f"/meetings/{meeting}/participants/{me}/remove"
        assert (await host.ask("POST", path)).status == 200
    if role == "left":
        await other.ask("DELETE", f"/meetings/{meeting}/participants/me")
    if role == "waiting":
        look = await host.ask("GET", f"/meetings/{meeting}/snapshot")
        version = look.body["meeting"]["version"]
        given = {"If-Match": f'"{version}"'}
        changed = await host.ask("PATCH", f"/meetings/{meeting}", {"lobby": True}, **given)
        assert changed.status == 200
        knocked = await other.ask("PUT", f"/meetings/{meeting}/lobby/me", {"name": "waiter"})
        assert knocked.body["participant"]["status"] == "waiting"
    before = await host.ask("GET", f"/meetings/{meeting}/snapshot")
    for method, path, body in commands(victim):
        answer = await other.ask(method, f"/meetings/{meeting}/{path}", body)
        assert answer.status == 403, (method, path, answer.body)
    given = {"If-Match": f'"{before.body["meeting"]["version"]}"'}
    answer = await other.ask("PATCH", f"/meetings/{meeting}", {"locked": True}, **given)
    assert answer.status == 403
    if role != "guest":
        for method, path, body in INSIDE:
            answer = await other.ask(method, f"/meetings/{meeting}/{path}", body)
            assert answer.status == 403, (method, path, answer.body)
            assert answer.body["code"] in ("not_in_meeting", "participant_removed"), path
        ticket = await other.ask(
            "POST", f"/meetings/{meeting}/participants/me/media", **{"Moot-Connection": STRANGE}
        )
        assert ticket.status in (403, 410)
    after = await host.ask("GET", f"/meetings/{meeting}/snapshot")
    assert after.body == before.body


async def test_removal_reaches_every_tab_and_survives_a_rename(people, talks):
    """JOIN-8, BBB GHSA-wxjp: removed means out on all tabs, under any name, until let back in."""
    host, bad = people("ban host"), people("ban guest")
    await host.create("BANS")
    await host.join("BANS")
    tabs = [(await bad.join("BANS")).body for _ in range(2)]
    streams = []
    for tab in tabs:
        streams.append(await talks("BANS"))
        await streams[-1].hello(tab["connection"])
    them = tabs[0]["participant"]["id"]
    assert (await host.ask("POST", f"/meetings/BANS/participants/{them}/remove")).status == 200
    for stream in streams:
        assert await stream.closed() == 4007
    for name in ("ban guest", "Another Name"):
        answer = await bad.join("BANS", name=name)
        assert (answer.status, answer.body["code"]) == (403, "participant_removed")
        answer = await bad.ask("PUT", "/meetings/BANS/lobby/me", {"name": name})
        assert (answer.status, answer.body["code"]) == (403, "participant_removed")
    for tab in tabs:
        stream = await talks("BANS")
        await stream.say(greeting(tab["connection"]))
        assert await stream.closed() in (4004, 4007)
    assert (await host.ask("POST", f"/meetings/BANS/participants/{them}/restore")).status == 200
    back = await bad.join("BANS")
    assert (back.status, back.body["participant"]["id"]) == (200, them)


async def test_a_private_message_is_for_two(people, talks):
    """BBB CVE-2022-29232: the third person, host or not, sees only that something was numbered."""
    host, ana, ben = people("pm host"), people("pm ana"), people("pm ben")
    await host.create("PRIVATE")
    joined = {who.name: (await who.join("PRIVATE")).body for who in (host, ana, ben)}
    streams = {}
    for name, body in joined.items():
        streams[name] = await talks("PRIVATE")
        await streams[name].hello(body["connection"])
    to = joined["pm ben"]["participant"]["id"]
    path = f"/meetings/PRIVATE/chat/{uuid.uuid4()}"
    assert (await ana.ask("PUT", path, {"text": "whisper", "to": to})).status == 201
    assert (await streams["pm ben"].read("chat.posted"))["body"]["message"]["text"] == "whisper"
    hidden = await streams["pm host"].read("hidden")
    assert "body" not in hidden
    assert not any("whisper" in str(message) for message in streams["pm host"].seen)
    for who, expected in ((host, []), (ana, ["whisper"]), (ben, ["whisper"])):
        chat = await who.ask("GET", "/meetings/PRIVATE/chat")
        assert [m["text"] for m in chat.body["messages"]] == expected
        snapshot = await who.ask("GET", "/meetings/PRIVATE/snapshot")
        assert [m["text"] for m in snapshot.body["messages"]] == expected
    assert (await host.ask("DELETE", path)).status == 404


async def test_a_strangers_look_says_little(people):
    """Issue 3: a stranger learns that a meeting exists, never who is in it."""
    host, stranger = people("look host"), people("look stranger")
    body = {"settings": {"title": "Board"}, "passcode": "sesame"}
    assert (await host.ask("PUT", "/meetings/LOOKING", body)).status == 201
    await host.join("LOOKING")
    look = await stranger.ask("GET", "/meetings/LOOKING")
    assert look.body == {
        "meeting": {
            "id": "LOOKING",
            "title": "Board",
            "locked": False,
            "lobby": False,
            "passcode": True,
        },
        "participants": 1,
        "known": False,
        "host": False,
    }
    mine = await host.ask("GET", "/meetings/LOOKING")
    assert (mine.body["known"], mine.body["host"]) == (True, True)


async def test_words_of_people_come_back_as_they_were(people):
    """Jitsi CVE-2021-39205, BBB CVE-2022-31064: markup in names and messages stays text."""
    host = people("xss host")
    await host.create("WORDS")
    await host.join("WORDS")
    for text in (
        "<img src=x onerror=alert(1)>",
        "\"'><svg/onload=alert(1)>",
        "javascript:alert(1)",
        "{{7*7}} ${7*7} <%= 7*7 %>",
        "'; DROP TABLE meeting; --",
        "line\nbreaks\tand tabs",
        "😀" * 100,
    ):
        path = f"/meetings/WORDS/chat/{uuid.uuid4()}"
        answer = await host.ask("PUT", path, {"text": text})
        assert answer.status == 201, (text, answer.body)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        chat = (await host.ask("GET", "/meetings/WORDS/chat")).body["messages"]
        assert chat[-1]["text"].strip() == text.strip()
    for name in ("a\u202eb", "a\x00b", "\u200b", " ", "x" * 81, "a\nb"):
        answer = await host.ask("PATCH", "/meetings/WORDS/participants/me", {"name": name})
        assert (answer.status, answer.body["code"]) == (422, "name_invalid"), name
    for field, value in (
        ("text", "a\x00b"),
        ("text", ""),
        ("text", "x" * 4001),
    ):
        path = f"/meetings/WORDS/chat/{uuid.uuid4()}"
        assert (await host.ask("PUT", path, {field: value})).status == 422, value[:10]
