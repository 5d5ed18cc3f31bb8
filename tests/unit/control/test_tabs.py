"""One person in many tabs, joining, reloading, losing and leaving in every order (JOIN-1 to 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.control.world import MEETING, Page, World

from moot.control import joining, leaving
from moot.control.intents import Intents, change
from moot.control.joining import Joined
from moot.model.ids import ConnectionId
from moot.store.memory import MemoryStore

T = TypeVar("T")
TABS = 20


class Tab:
    """What one browser tab knows."""

    def __init__(self, joined: Joined) -> None:
        self.joined = joined
        self.page: Page | None = None
        self.last: Page | None = None


class Tabs(RuleBasedStateMachine):
    """The truth is the list of tabs; server and observers must agree with it."""

    @initialize()
    def start(self) -> None:
        self.runner = asyncio.Runner()
        self.world = World(MemoryStore())
        self.tabs: list[Tab] = []
        self.made = 0
        self.person: str | None = None
        self.presences: list[bool] = []
        self.run(self.world.open())
        self.run(self.world.create())
        self.observer = self.run(self.world.come("observer"))[2]

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.run(self.world.close())
            self.runner.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def tab(self, number: int) -> Tab:
        return self.tabs[number % len(self.tabs)]

    def new_id(self) -> ConnectionId:
        self.made += 1
        return ConnectionId(str(UUID(int=self.made, version=4)))

    def is_in(self) -> bool:
        return bool(self.tabs)

    def came(self, joined: Joined, *, was_in: bool) -> Tab:
        assert joined.created == (self.person is None)
        self.person = self.person or joined.participant.id
        assert joined.participant.id == self.person
        assert joined.participant.status == "connected"
        self.presences.append(not was_in)
        return Tab(joined)

    @precondition(lambda self: len(self.tabs) < TABS)
    @rule(audio=st.booleans(), opens=st.booleans())
    def open_tab(self, audio: bool, opens: bool) -> None:
        was_in = self.is_in()
        joined = self.run(
            self.world.join(self.world.person("ana"), audio=audio, connection_id=self.new_id())
        )
        tab = self.came(joined, was_in=was_in)
        self.tabs.append(tab)
        if opens:
            tab.page = self.run(self.world.watch(joined))

    @precondition(lambda self: self.tabs)
    @rule(number=st.integers(0, TABS))
    def repeat_join(self, number: int) -> None:
        """The answer was lost, so the tab asks again."""
        tab = self.tab(number)
        self.lose_page(tab)
        tab.joined = self.came(
            self.run(
                self.world.join(self.world.person("ana"), connection_id=tab.joined.connection.id)
            ),
            was_in=True,
        ).joined

    @precondition(lambda self: self.tabs)
    @rule(number=st.integers(0, TABS), is_late=st.booleans())
    def reload(self, number: int, is_late: bool) -> None:
        """The new document replaces the old one; the old stream's end is noticed then or later."""
        old = self.tab(number)
        if not is_late:
            self.lose_page(old)
        joined = self.run(
            self.world.join(
                self.world.person("ana"),
                connection_id=self.new_id(),
                replaces=old.joined.connection.id,
            )
        )
        new = self.came(joined, was_in=True)
        new.page = self.run(self.world.watch(joined))
        self.tabs[self.tabs.index(old)] = new
        self.lose_page(old)

    @precondition(lambda self: self.tabs)
    @rule(number=st.integers(0, TABS))
    def lose_stream(self, number: int) -> None:
        self.lose_page(self.tab(number))

    @precondition(lambda self: self.tabs)
    @rule(number=st.integers(0, TABS))
    def open_stream_again(self, number: int) -> None:
        """A second stream of the same connection takes over from the first."""
        tab = self.tab(number)
        old, tab.page = tab.page, self.run(self.world.watch(tab.joined, before=tab.last))
        if old is not None:
            assert old.watcher.ending == "connection_replaced"
            self.world.watching.unwatch(old.watcher)

    @precondition(lambda self: self.tabs)
    @rule(number=st.integers(0, TABS), is_repeated=st.booleans())
    def close_tab(self, number: int, is_repeated: bool) -> None:
        tab = self.tab(number)
        self.tabs.remove(tab)
        actor = self.world.sitting("ana", tab.joined)
        chosen = tab.joined.connection.id
        for _ in range(1 + is_repeated):
            self.run(leaving.leave(self.world.control, actor, MEETING, connection_id=chosen))
        self.lose_page(tab)

    @precondition(lambda self: self.person)
    @rule()
    def leave(self) -> None:
        self.run(leaving.leave(self.world.control, self.world.person("ana"), MEETING))
        for tab in self.tabs:
            self.lose_page(tab)
        self.tabs.clear()

    @precondition(lambda self: self.tabs)
    @rule(number=st.integers(0, TABS), audio=st.booleans())
    def speak(self, number: int, audio: bool) -> None:
        tab = self.tab(number)
        actor = self.world.sitting("ana", tab.joined)
        view = self.run(change(self.world.control, actor, MEETING, Intents(audio=audio)))
        assert view.audio == audio
        if audio:
            assert view.microphone_connection == tab.joined.connection.id

    @rule(seconds=st.sampled_from([0.3, 1.5]))
    def wait_a_little(self, seconds: float) -> None:
        self.run(self.world.pass_s(seconds, step_s=0.5))

    @rule()
    def wait_for_long(self) -> None:
        self.run(self.world.pass_s(64, step_s=2))
        self.tabs = [tab for tab in self.tabs if tab.page is not None]

    def lose_page(self, tab: Tab) -> None:
        if tab.page is not None:
            self.run(tab.page.read())
            self.world.watching.unwatch(tab.page.watcher)
            tab.last, tab.page = tab.page, None

    @invariant()
    def everyone_agrees(self) -> None:
        self.run(self.world.settle())
        self.run(self.observer.read())
        rows = self.run(self.world.rows())
        mine = [row for row in rows if row.person_id == "guest:ana"]
        assert len(mine) == (self.person is not None), "one participant"
        if not mine:
            return
        seat = self.run(joining.seat(self.world.control, self.world.person("ana"), MEETING))
        alive = {each.id for each in seat.connections}
        assert alive == {tab.joined.connection.id for tab in self.tabs}, "live tabs"
        assert (mine[0].status in ("connected", "reconnecting")) == bool(self.tabs)
        seen = self.observer.participants[self.person]
        assert seen["connections"] == len(self.tabs)
        assert seen["status"] == mine[0].status
        assert seen["microphone_connection"] in {None, *alive}
        for tab in self.tabs:
            if tab.page is None:
                continue
            self.run(tab.page.read())
            assert tab.page.watcher.ending is None
            assert tab.page.inside() == self.observer.inside(), "the same end state"
            assert tab.page.event_seq == self.observer.event_seq

    @invariant()
    def one_joined_event_for_each_coming(self) -> None:
        assert self.observer.kinds.count("participant.joined") == sum(self.presences)


Tabs.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class TestTabs(Tabs.TestCase):
    """JOIN-1, JOIN-2, JOIN-6: one participant, connections are live tabs, one end state."""
