"""Passcodes are slow to guess, and checking them blocks nobody (HOST-4)."""

import asyncio
import time

import pytest
from argon2 import PasswordHasher
from tests.unit.control.world import VirtualClock

from moot.control.passcodes import FREE_TRIES, LONGEST_WAIT_S, Passcodes
from moot.errors import Problem
from moot.model.ids import MeetingUid

UID, OTHER = MeetingUid("one"), MeetingUid("two")
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASHED = QUICK.hash("right")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def passcodes(clock: VirtualClock) -> Passcodes:
    return Passcodes(clock.monotonic, QUICK)


async def guess(
    passcodes: Passcodes, passcode: str, *, person="ana", address="", uid: MeetingUid = UID
) -> bool:
    return await passcodes.check(
        uid, hashed=HASHED, passcode=passcode, person=person, address=address
    )


async def wait_of(work) -> int:
    with pytest.raises(Problem) as caught:
        await work
    assert caught.value.kind.id == "rate_limited"
    return caught.value.retry_after_s or 0


async def test_right_and_wrong(passcodes: Passcodes) -> None:
    """HOST-4: the right passcode is right, another is wrong, a broken hash is wrong."""
    assert await guess(passcodes, "right")
    assert not await guess(passcodes, "Right")
    assert not await passcodes.check(
        UID, hashed="rubbish", passcode="right", person="ana", address=""
    )


async def test_hash_is_argon2id_of_real_strength() -> None:
    """HOST-4: what is stored is argon2id with 46 MiB, and salted."""
    passcodes = Passcodes(time.monotonic)
    one, two = await passcodes.hash("x"), await passcodes.hash("x")
    assert one.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert one != two
    assert await passcodes.check(UID, hashed=one, passcode="x", person="ana", address="")
    passcodes.close()


async def test_waits_double(passcodes: Passcodes, clock: VirtualClock) -> None:
    """HOST-4: after five wrong ones the wait doubles with each, up to a quarter of an hour."""
    waits = []
    for n in range(FREE_TRIES + 14):
        if n >= FREE_TRIES:
            waits.append(await wait_of(guess(passcodes, "right")))
            clock.pass_s(waits[-1])
        assert not await guess(passcodes, "wrong")
    assert waits == [min(2**n, int(LONGEST_WAIT_S)) for n in range(14)]


async def test_right_one_forgives(passcodes: Passcodes) -> None:
    """HOST-4: who finally gets it right starts anew."""
    for _ in range(FREE_TRIES - 1):
        await guess(passcodes, "wrong")
    assert await guess(passcodes, "right")
    for _ in range(FREE_TRIES):
        assert not await guess(passcodes, "wrong")
    await wait_of(guess(passcodes, "right"))


async def test_persons_and_addresses(passcodes: Passcodes) -> None:
    """HOST-4: many persons at one address are slowed down together; other addresses are not."""
    for n in range(FREE_TRIES):
        await guess(passcodes, "wrong", person=f"p{n}", address="a")
    await wait_of(guess(passcodes, "right", person="fresh", address="a"))
    assert await guess(passcodes, "right", person="fresh", address="b")
    assert await guess(passcodes, "right", person="fresh", address="a", uid=OTHER)


async def test_right_one_does_not_clear_an_address(passcodes: Passcodes) -> None:
    """HOST-4: somebody who knows the passcode does not make room for guesses by others."""
    for n in range(FREE_TRIES - 1):
        await guess(passcodes, "wrong", person=f"p{n}", address="a")
    assert await guess(passcodes, "right", person="insider", address="a")
    await guess(passcodes, "wrong", person="last", address="a")
    await wait_of(guess(passcodes, "wrong", person="next", address="a"))


async def test_guesses_at_once_all_count(passcodes: Passcodes) -> None:
    """HOST-4: a hundred guesses at the same moment are no more than the free ones."""
    results = await asyncio.gather(
        *(guess(passcodes, "wrong") for _ in range(100)), return_exceptions=True
    )
    assert sum(result is False for result in results) == FREE_TRIES


async def test_flood_is_refused(clock: VirtualClock) -> None:
    """HOST-4: more checks than can wait are refused instead of piling up."""
    passcodes = Passcodes(clock.monotonic)
    results = await asyncio.gather(
        *(guess(passcodes, "x", person=f"p{n}") for n in range(200)), return_exceptions=True
    )
    assert sum(isinstance(result, Problem) for result in results) == 200 - 64


async def test_event_loop_goes_on() -> None:
    """HOST-4: while passcodes are checked, everything else runs."""
    passcodes = Passcodes(time.monotonic)
    hashed = await passcodes.hash("x")
    checks = asyncio.gather(
        *(
            passcodes.check(UID, hashed=hashed, passcode="y", person=f"p{n}", address="")
            for n in range(8)
        )
    )
    turns = 0
    while not checks.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 20
    passcodes.close()
