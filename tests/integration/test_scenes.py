"""The acceptance scenes over HTTP and the event stream, against a real server."""

from tests.programs.person import greeting


async def test_create_join_events_leave_refresh(people, talks):
    """MEET-2, JOIN-1, JOIN-5, JOIN-7: four people, one meeting, every change seen by all."""
    host, guest = people("Test User"), people("Ben")
    created = await host.create("SCENE-1")
    assert (created.status, created.body["created"]) == (201, True)
    first = await host.join("scene1", audio=True)
    assert (first.status, first.body["participant"]["role"]) == (201, "host")
    stream = await talks("SCENE1")
    hello = await stream.hello(first.body["connection"])
    assert [p["name"] for p in hello["snapshot"]["participants"]] == ["Test User"]

    again = await guest.create("SCENE1")
    assert (again.status, again.body["created"]) == (200, False)
    joined = await guest.join("Scene%201")
    assert joined.body["participant"]["role"] == "guest"
    event = await stream.read("participant.joined")
    assert event["body"]["participant"]["name"] == "Ben"
    assert event["event_seq"] == hello["event_seq"] + 1

    # The host refreshes: the same participant, still host, the microphone as it was.
    back = await host.join("SCENE1", replaces=first.body["connection"]["id"])
    assert (back.status, back.body["created"]) == (200, False)
    assert back.body["participant"]["id"] == first.body["participant"]["id"]
    assert (back.body["participant"]["role"], back.body["participant"]["audio"]) == ("host", True)
    assert await stream.closed() == 4004
    fresh = await talks("SCENE1")
    hello = await fresh.hello(back.body["connection"])
    assert len(hello["snapshot"]["participants"]) == 2

    for name in ("Cleo", "Dan"):
        assert (await people(name).join("SCENE1")).status == 201
    assert (await fresh.read("participant.joined"))["body"]["participant"]["name"] == "Cleo"
    assert (await fresh.read("participant.joined"))["body"]["participant"]["name"] == "Dan"

    left = await guest.ask("DELETE", "/meetings/SCENE1/participants/me")
    assert (left.status, left.body["participant"]["status"]) == (200, "disconnected")
    event = await fresh.read("participant.left")
    assert event["body"]["reason"] == "left"
    assert (await guest.ask("DELETE", "/meetings/SCENE1/participants/me")).status == 200
    await fresh.close()


async def test_end_for_all_closes_every_stream_and_the_next_run_is_fresh(people, talks):
    """MEET-7: everyone is told and closed; the meeting, its host and the seats stay."""
    host, guest = people("end host"), people("end guest")
    await host.create("ENDING")
    mine, theirs = await host.join("ENDING"), await guest.join("ENDING")
    await guest.ask("PATCH", "/meetings/ENDING/participants/me", {"hand": True})
    streams = []
    for joined in (mine, theirs):
        streams.append(await talks("ENDING"))
        await streams[-1].hello(joined.body["connection"])
    assert (await guest.ask("POST", "/meetings/ENDING/end", {})).status == 403
    ended = await host.ask("POST", "/meetings/ENDING/end", {"run": 1})
    assert (ended.status, ended.body["meeting"]["run"]) == (200, 2)
    for stream in streams:
        assert await stream.closed() == 4008
        assert stream.seen[-1]["kind"] == "meeting.ended"
    again = await host.ask("POST", "/meetings/ENDING/end", {"run": 1})
    assert again.body["meeting"]["run"] == 2
    back = await guest.join("ENDING")
    assert back.body["participant"]["id"] == theirs.body["participant"]["id"]
    assert back.body["participant"]["hand_at"] is None
    assert (await host.join("ENDING")).body["participant"]["role"] == "host"


async def test_waiting_survives_a_refresh_and_ends_with_the_hosts_answer(people, talks):
    """HOST-4, JOIN-9: knock, refresh, admit, join; and nobody who was in waits again."""
    host, guest = people("lobby host"), people("lobby guest")
    await host.ask("PUT", "/meetings/LOBBY", {"settings": {"lobby": True}})
    await host.join("LOBBY")
    assert (await guest.join("LOBBY")).body["code"] == "lobby_required"
    body = {"name": "lobby guest"}
    knocked = await guest.ask("PUT", "/meetings/LOBBY/lobby/me", body)
    assert (knocked.status, knocked.body["participant"]["status"]) == (201, "waiting")
    again = await guest.ask("PUT", "/meetings/LOBBY/lobby/me", body)
    assert (again.status, again.body["participant"]["id"]) == (
        200,
        knocked.body["participant"]["id"],
    )
    stream = await talks("LOBBY")
    await stream.say(greeting(again.body["connection"]))
    assert (await stream.read("lobby"))["status"] == "waiting"
    path = f"/meetings/LOBBY/lobby/{knocked.body['participant']['id']}/admit"
    assert (await host.ask("POST", path)).status == 200
    assert (await stream.read("lobby"))["status"] == "admitted"
    assert (await guest.join("LOBBY")).status in (200, 201)
    await guest.ask("DELETE", "/meetings/LOBBY/participants/me")
    assert (await guest.join("LOBBY")).status == 200


async def test_resume_gets_what_was_missed_and_nothing_twice(people, talks):
    """EVENT-2: a client that says what it has gets the rest, in order."""
    host, guest = people("resume host"), people("resume guest")
    await host.create("RESUME")
    mine = (await host.join("RESUME")).body["connection"]
    await guest.join("RESUME")
    stream = await talks("RESUME")
    hello = await stream.hello(mine)
    await stream.close()
    for hand in (True, False, True):
        await guest.ask("PATCH", "/meetings/RESUME/participants/me", {"hand": hand})
    stream = await talks("RESUME")
    since = {"epoch": hello["epoch"], "event_seq": hello["event_seq"]}
    resumed = await stream.hello(mine, since=since)
    assert resumed["resumed"] is True
    assert "snapshot" not in resumed
    numbers = []
    while len(numbers) < 3:
        numbers.append((await stream.read("event"))["event_seq"])
    assert numbers == [hello["event_seq"] + n for n in (1, 2, 3)]
    for strange in ({"epoch": 99, "event_seq": 1}, {"epoch": 1, "event_seq": 10**6}):
        other = await talks("RESUME")
        fresh = await other.hello(mine, since=strange)
        assert fresh["resumed"] is False
        assert fresh["snapshot"]["me"]["name"] == "resume host"
        await other.close()
