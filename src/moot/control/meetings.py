"""Creating, looking at and setting meetings (MEET-1 to MEET-6)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from moot.control.actor import Actor
from moot.control.change import PRESENT, Change
from moot.control.context import Control
from moot.control.lobby import let_all_in
from moot.control.reading import found_meeting, read_snapshot
from moot.control.seat import acting_on_meeting, reading_inside
from moot.errors import Problem
from moot.model.admission import is_welcome, role_of
from moot.model.ids import MeetingId, MeetingUid, generated_meeting_id
from moot.model.meeting import Meeting, Settings
from moot.model.participant import restricted
from moot.model.text import parse_passcode, parse_title
from moot.model.view import (
    MeetingGlance,
    MeetingView,
    Snapshot,
    label,
    meeting_glance,
    meeting_view,
)
from moot.store.port import Transaction

_ROUNDS: Final = 3
_NAMES: Final = 5
_IDEMPOTENCY_KEY: Final = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
class Ensured:
    """A meeting that exists, and whether this call made it."""

    created: bool
    meeting: MeetingView


@dataclass(frozen=True, slots=True)
class Glance:
    """What somebody who knows the Meeting ID may see.

    Attributes:
        participants: how many persons are in.
        known: the asker has a seat.
        host: the asker is a host.
        names: labels of up to 5 who are in; None where the asker may not know them.
    """

    meeting: MeetingGlance
    participants: int
    known: bool
    host: bool
    names: Sequence[str] | None


class SettingsPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Changes to a meeting's settings; what is UNSET stays as it is.

    Attributes:
        passcode: 1 to 128 characters; None takes it away.
    """

    title: str | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    lobby: bool | UnsetType = UNSET
    max_participants: int | UnsetType = UNSET
    guests_may_share: bool | UnsetType = UNSET
    guests_may_chat: bool | UnsetType = UNSET
    guests_may_unmute: bool | UnsetType = UNSET
    passcode: str | UnsetType | None = UNSET


async def ensure(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    *,
    settings: Settings | None = None,
    passcode: str | None = None,
) -> Ensured:
    """Create a meeting, or get the one that has this id (MEET-2, MEET-3, MEET-4).

    Args:
        settings: used only on creation, like `passcode`.

    Raises:
        Problem: `body_invalid` (a setting out of range), `unavailable`, `storage_full`.
    """
    control.log.info("Initializing meeting", meeting_id=meeting_id)
    try:
        return await _ensure(control, actor, meeting_id, settings, passcode)
    except Exception as problem:
        control.failed("Error creating meeting", problem, meeting_id=meeting_id)
        raise


async def _ensure(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    settings: Settings | None,
    passcode: str | None,
) -> Ensured:
    # Read first: the common case then takes no write lock. The insert decides; a read after it
    # sees the winner's commit. Only a deletion in between can send it round again.
    wished = _checked(settings or Settings(), control.config.max_participants)
    hashed: str | None = None
    for round_number in range(_ROUNDS):
        found = await control.store.read(lambda tx: tx.find_meeting(meeting_id))
        if found is not None:
            text = (
                "Found existing meeting instead"
                if round_number or found.created_by != actor.person_id
                else "Meeting already exists, returning existing meeting"
            )
            control.log.info(text, meeting_id=meeting_id)
            return Ensured(False, meeting_view(found))
        if passcode is not None and hashed is None:
            hashed = await control.passcodes.hash(parse_passcode(passcode))
        fresh = _fresh(control, actor, meeting_id, wished, hashed)
        made = await control.store.write(partial(_insert, fresh=fresh))
        if made is not None:
            control.log.info("Meeting created successfully", meeting_id=meeting_id)
            return Ensured(True, meeting_view(made))
    raise Problem("unavailable", retry_after_s=1)


async def create(
    control: Control,
    actor: Actor,
    *,
    settings: Settings | None = None,
    passcode: str | None = None,
    idempotency_key: str | None = None,
) -> Ensured:
    """Create a meeting with a generated id (MEET-5).

    With `idempotency_key` (1 to 255 visible ASCII characters) a repeat by the same person gets the
    first answer.

    Raises:
        Problem: `idempotency_key_invalid`, `idempotency_key_reused`, `body_invalid`.
    """
    control.log.info("Initializing meeting")
    try:
        made = await _create(control, actor, settings, passcode, idempotency_key)
    except Exception as problem:
        control.failed("Error creating meeting", problem)
        raise
    control.log.info("Meeting created successfully", meeting_id=made.id)
    return Ensured(True, made)


async def _create(
    control: Control,
    actor: Actor,
    settings: Settings | None,
    passcode: str | None,
    key: str | None,
) -> MeetingView:
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Problem("idempotency_key_invalid")
    wished = _checked(settings or Settings(), control.config.max_participants)
    checked_passcode = None if passcode is None else parse_passcode(passcode)
    fingerprint = _fingerprint(wished, checked_passcode)
    if key is not None:
        answer = await control.store.read(
            lambda tx: tx.find_idempotency(actor.person_id, idempotency_key=key)
        )
        if answer is not None:
            return _repeated(answer, fingerprint)
    hashed = None if checked_passcode is None else await control.passcodes.hash(checked_passcode)
    for _ in range(_ROUNDS):
        meeting_id = generated_meeting_id(control.random(64))
        fresh = _fresh(control, actor, meeting_id, wished, hashed)

        def work(tx: Transaction, fresh: Meeting = fresh) -> MeetingView | None:
            made = tx.insert_meeting(fresh)
            if made is None:
                return None
            view = meeting_view(made)
            if key is not None:
                first = tx.insert_idempotency(
                    actor.person_id,
                    idempotency_key=key,
                    fingerprint=fingerprint,
                    response=msgspec.json.encode(view),
                    at=fresh.created_at,
                )
                if first is not None:
                    raise _Repeat(first)
            return view

        try:
            made = await control.store.write(work)
        except _Repeat as repeat:
            # The same key at the same moment: this one's meeting was rolled back.
            return _repeated(repeat.answer, fingerprint)
        if made is not None:
            return made
    raise Problem("unavailable", retry_after_s=1)


async def look(control: Control, actor: Actor | None, meeting_id: MeetingId) -> Glance:
    """Look at a meeting from outside; changes nothing.

    Raises:
        Problem: `meeting_not_found`.
    """

    def work(tx: Transaction) -> Glance:
        meeting = found_meeting(tx, meeting_id)
        participant = None if actor is None else tx.find_participant(meeting.uid, actor.person_id)
        is_host = actor is not None and (
            role_of(meeting, participant, actor.person_id) == "host"
            and (participant is None or participant.status != "removed")
        )
        # Who was turned away, or was in before the host ended it, has no seat: they are new again.
        known = (
            participant is not None
            and participant.status != "removed"
            and is_welcome(meeting, participant, participant.person_id)
        )
        settings = meeting.settings
        is_open = not (settings.lobby or settings.locked or meeting.passcode_hash is not None)
        names: Sequence[str] | None = None
        if is_open or known:
            inside = tx.list_participants(meeting.uid, statuses=PRESENT)
            names = [label(each.name, each.twin) for each in inside[:_NAMES]]
            count = len(inside)
        else:
            count = tx.count_participants(meeting.uid, statuses=PRESENT)
        return Glance(meeting_glance(meeting), count, known, is_host, names)

    return await control.store.read(work)


async def snapshot(control: Control, actor: Actor, meeting_id: MeetingId) -> Snapshot:
    """Read the whole state that the asker may see; changes nothing.

    Raises:
        Problem: `meeting_not_found`, `not_in_meeting`.
    """

    def work(tx: Transaction) -> Snapshot:
        meeting = found_meeting(tx, meeting_id)
        reader = reading_inside(tx, meeting, actor)
        attendance = control.attendances.read(tx, meeting)
        control.attendances.keep(meeting.uid, attendance)
        return read_snapshot(tx, meeting, reader, attendance)

    return await control.store.read(work)


async def change_settings(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    patch: SettingsPatch,
    *,
    expected_version: int,
) -> MeetingView:
    """Change settings if their version is still the expected one; host only.

    Raises:
        Problem: `meeting_not_found`, `connection_closed`, `meeting_ended`, `host_only`,
            `precondition_failed`, `body_invalid`.
    """
    hashed: str | None = None
    if isinstance(patch.passcode, str):
        hashed = await control.passcodes.hash(parse_passcode(patch.passcode))

    def decide(change: Change) -> MeetingView:
        acting_on_meeting(change, actor, "change_settings")
        before = change.meeting
        if before.version != expected_version:
            raise Problem("precondition_failed")
        settings = _checked(_patched(before.settings, patch), control.config.max_participants)
        passcode_hash = before.passcode_hash if patch.passcode is UNSET else hashed
        if settings == before.settings and passcode_hash == before.passcode_hash:
            return meeting_view(before)
        after = change.tx.update_settings(
            before.uid,
            settings=settings,
            passcode_hash=passcode_hash,
            expected_version=expected_version,
        )
        if after is None:
            raise Problem("precondition_failed")
        change.meeting = after
        change.meeting_updated()
        if before.settings.guests_may_share and not settings.guests_may_share:
            _stop_shares(change)
        if before.settings.lobby and not settings.lobby:
            let_all_in(change)
        return meeting_view(change.meeting)

    return await control.change(meeting_id, decide)


def _stop_shares(change: Change) -> None:
    for participant in change.tx.list_participants(change.meeting.uid, statuses=PRESENT):
        after = restricted(participant, change.meeting.settings)
        if after != participant:
            before = change.view(participant)
            after = change.write(after)
            change.updated(before, after)
            change.allow(after)


def _insert(tx: Transaction, *, fresh: Meeting) -> Meeting | None:
    return tx.insert_meeting(fresh)


def _fresh(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    settings: Settings,
    passcode_hash: str | None,
) -> Meeting:
    now = control.clock.now_ms()
    return Meeting(
        uid=MeetingUid(control.new_id()),
        id=meeting_id,
        created_by=actor.person_id,
        created_at=now,
        active_at=now,
        settings=settings,
        passcode_hash=passcode_hash,
    )


def _patched(settings: Settings, patch: SettingsPatch) -> Settings:
    wished = {
        name: value
        for name in Settings.__struct_fields__
        if (value := getattr(patch, name)) is not UNSET
    }
    return msgspec.structs.replace(settings, **wished)


def _checked(settings: Settings, server_limit: int) -> Settings:
    if not 0 <= settings.max_participants <= server_limit:
        raise Problem("body_invalid", reason=f"`max_participants` is not 0 to {server_limit}")
    return msgspec.structs.replace(settings, title=parse_title(settings.title))


def _fingerprint(settings: Settings, passcode: str | None) -> str:
    return sha256(msgspec.json.encode((settings, passcode))).hexdigest()


def _repeated(answer: tuple[str, bytes], fingerprint: str) -> MeetingView:
    stored, response = answer
    if stored != fingerprint:
        raise Problem("idempotency_key_reused")
    return msgspec.json.decode(response, type=MeetingView)


class _Repeat(Exception):
    def __init__(self, answer: tuple[str, bytes]) -> None:
        super().__init__()
        self.answer = answer
