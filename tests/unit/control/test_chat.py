"""Chat: a message is posted once, seen by its readers alone, and kept for the run (EVENT-1)."""

from uuid import uuid4

import pytest
from tests.unit.control.test_joining import refused
from tests.unit.control.world import MEETING, World

from moot.control import chat, ending, moderating
from moot.control.actor import Actor
from moot.model.ids import MessageId


def new() -> MessageId:
    return MessageId(str(uuid4()))


async def post(world: World, actor: Actor, text: str = "hi", **facts) -> chat.Posted:
    return await chat.post(world.control, actor, MEETING, facts.pop("id", new()), text, **facts)


async def test_posted_once(world: World) -> None:
    """EVENT-1: a message that is sent again is posted once and keeps its first text."""
    await world.create()
    ana, _, page = await world.come("ana")
    chosen = new()
    first = await post(world, ana, "one", id=chosen)
    again = await post(world, ana, "two", id=chosen)
    assert (first.created, again.created) == (True, False)
    assert again.message.text == "one"
    await page.read()
    assert page.kinds == ["chat.posted"]
    assert page.messages[chosen]["text"] == "one"


async def test_the_order_is_that_of_the_events(world: World) -> None:
    """EVENT-1: history has the order in which everybody heard, whatever the clocks say."""
    await world.create()
    ana, _, page = await world.come("ana")
    posted = []
    for turn in range(12):
        # Four within the same millisecond; then a process whose clock is a second behind.
        if turn % 4 == 0:
            world.clock.wall_ms -= 1000
        posted.append((await post(world, ana, str(turn))).message)
    await page.read()
    assert list(page.messages) == [message.id for message in posted]
    assert [message.event_seq for message in posted] == sorted({m.event_seq for m in posted})
    assert await chat.read(world.control, ana, MEETING) == posted
    assert await chat.read(world.control, ana, MEETING, before=posted[7].id, limit=3) == posted[4:7]


async def test_id_of_somebody_else(world: World) -> None:
    """PERSON-2: an id that somebody else has used tells nothing and posts nothing."""
    await world.create()
    ana, _, _ = await world.come("ana")
    bo, _, _ = await world.come("bo")
    chosen = new()
    await post(world, ana, "secret", id=chosen)
    problem = await refused(post(world, bo, "hi", id=chosen))
    assert problem.kind.status == 422
    assert "secret" not in problem.sentence


async def test_private_message(world: World) -> None:
    """EVENT-1: a private message is read by two; everybody else gets its number only."""
    await world.create()
    host, _, host_page = await world.come("host")
    ana, _, ana_page = await world.come("ana")
    bo, joined, bo_page = await world.come("bo")
    posted = await post(world, ana, "psst", to=joined.participant.id)
    for page in (host_page, ana_page, bo_page):
        await page.read()
    assert posted.message.id in ana_page.messages
    assert posted.message.id in bo_page.messages
    assert host_page.messages == {}
    assert host_page.kinds[-1] == "hidden"
    assert host_page.event_seq == bo_page.event_seq
    assert [each.text for each in await chat.read(world.control, bo, MEETING)] == ["psst"]
    assert await chat.read(world.control, host, MEETING) == []
    for work in (
        chat.delete(world.control, host, MEETING, posted.message.id),
        post(world, host, reply_to=posted.message.id),
        chat.read(world.control, host, MEETING, before=posted.message.id),
    ):
        assert (await refused(work)).kind.id == "message_not_found"


async def test_private_message_to_nobody(world: World) -> None:
    """EVENT-1: a private message needs a reader who is in."""
    await world.create()
    ana, _, _ = await world.come("ana")
    problem = await refused(post(world, ana, to=new()))
    assert problem.kind.id == "participant_not_found"


async def test_reply(world: World) -> None:
    """EVENT-1: a reply names a message of this run."""
    await world.create()
    ana, _, _ = await world.come("ana")
    first = await post(world, ana)
    reply = await post(world, ana, reply_to=first.message.id)
    assert reply.message.reply_to == first.message.id
    assert (await refused(post(world, ana, reply_to=new()))).kind.id == "message_not_found"


async def test_reply_to_a_private_message(world: World) -> None:
    """EVENT-1: an answer to a private message is read by the same two, and by nobody else."""
    await world.create()
    ana, of_ana, _ = await world.come("ana")
    bo, of_bo, _ = await world.come("bo")
    _, of_cy, page = await world.come("cy")
    asked = (await post(world, ana, "psst", to=of_bo.participant.id)).message.id
    for to in (None, of_cy.participant.id):
        problem = await refused(post(world, bo, reply_to=asked, to=to))
        assert problem.kind.id == "body_invalid"
    for actor, other in ((bo, of_ana), (ana, of_bo)):
        reply = await post(world, actor, reply_to=asked, to=other.participant.id)
        assert reply.message.reply_to == asked
    await page.read()
    assert page.messages == {}


async def test_edit(world: World) -> None:
    """HOST-4: a message is edited by its sender alone, not even by a host."""
    await world.create()
    host, _, _ = await world.come("host")
    ana, _, page = await world.come("ana")
    posted = await post(world, ana, "frist")
    edited = await chat.edit(world.control, ana, MEETING, posted.message.id, "first")
    assert (edited.text, edited.edited_at) == ("first", world.clock.now_ms())
    await chat.edit(world.control, ana, MEETING, posted.message.id, "first")
    problem = await refused(chat.edit(world.control, host, MEETING, posted.message.id, "x"))
    assert problem.kind.id == "message_not_found"
    await page.read()
    assert page.kinds == ["chat.posted", "chat.edited"]


async def test_delete(world: World) -> None:
    """HOST-4: a message is deleted by its sender or a host, once, and its text is gone."""
    await world.create()
    host, _, _ = await world.come("host")
    ana, _, _ = await world.come("ana")
    bo, _, page = await world.come("bo")
    posted = await post(world, ana, "oops")
    problem = await refused(chat.delete(world.control, bo, MEETING, posted.message.id))
    assert problem.kind.id == "host_only"
    for actor in (host, ana):
        view = await chat.delete(world.control, actor, MEETING, posted.message.id)
        assert (view.text, view.deleted) == ("", True)
    await page.read()
    assert page.kinds == ["chat.posted", "chat.deleted"]
    assert b"oops" not in (await world.events())[-1].body
    problem = await refused(chat.edit(world.control, ana, MEETING, posted.message.id, "x"))
    assert problem.kind.id == "message_not_found"


async def test_guests_may_not_chat(world: World) -> None:
    """HOST-4: where guests may not chat, hosts still do, and deleting stays possible."""
    await world.create(guests_may_chat=False)
    host, _, _ = await world.come("host")
    ana, _, _ = await world.come("ana")
    assert (await refused(post(world, ana))).kind.id == "not_allowed"
    assert (await post(world, host)).created


@pytest.mark.parametrize("text", ["", "  \n", "x" * 4001, "a\x00b", "\ud800", "\u202eabc"])
async def test_text_that_cannot_be(world: World, text: str) -> None:
    """ERR-1: a text that is empty, too long or not storable is 422 and posts nothing."""
    await world.create()
    ana, _, _ = await world.come("ana")
    assert (await refused(post(world, ana, text))).kind.id == "body_invalid"
    assert "chat.posted" not in await world.kinds()


async def test_pages_of_history(world: World) -> None:
    """EVENT-2: the history of the run is read page by page, oldest first."""
    await world.create()
    ana, _, _ = await world.come("ana")
    ids = []
    for n in range(5):
        world.clock.pass_s(1)
        ids.append((await post(world, ana, f"m{n}")).message.id)
    last = await chat.read(world.control, ana, MEETING, limit=2)
    assert [each.id for each in last] == ids[3:]
    rest = await chat.read(world.control, ana, MEETING, before=last[0].id, limit=200)
    assert [each.id for each in rest] == ids[:3]
    for limit in (0, 201):
        problem = await refused(chat.read(world.control, ana, MEETING, limit=limit))
        assert problem.kind.status == 422
    back = await world.join(world.person("ana"))
    assert [each.id for each in back.snapshot.messages] == ids


async def test_strangers_read_nothing(world: World) -> None:
    """PERSON-2: only people in the meeting read or write its chat."""
    await world.create()
    host, _, _ = await world.come("host")
    ana, joined, _ = await world.come("ana")
    await moderating.remove(world.control, host, MEETING, joined.participant.id)
    for work in (
        chat.read(world.control, world.person("ana"), MEETING),
        post(world, world.person("ana")),
        post(world, world.person("cy")),
    ):
        assert (await refused(work)).kind.id == "not_in_meeting"
    assert (await refused(post(world, ana))).kind.id == "connection_closed"


async def test_messages_of_an_ended_run(world: World) -> None:
    """MEET-7: what was said in a run that has ended can be neither answered nor changed."""
    host = await world.create()
    ana, _, _ = await world.come("ana")
    posted = await post(world, ana)
    await ending.end(world.control, host, MEETING)
    ana, _, _ = await world.come("ana")
    for work in (
        post(world, ana, reply_to=posted.message.id),
        chat.edit(world.control, ana, MEETING, posted.message.id, "x"),
        chat.delete(world.control, ana, MEETING, posted.message.id),
        chat.read(world.control, ana, MEETING, before=posted.message.id),
    ):
        assert (await refused(work)).kind.id == "message_not_found"
