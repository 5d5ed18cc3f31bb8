"""The schema as SQLAlchemy metadata: what the newest migration must lead to.

Only migrations and their tests import this; the statements speak SQL themselves. A change here
needs a new file in `migrations/versions` that only adds, and its name in `migrations.REVISIONS`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata: Final = MetaData()

# Byte by byte on every database: the order of ids never depends on a locale.
ID: Final = Text().with_variant(Text(collation="C"), "postgresql")
TIME: Final = BigInteger
"""Milliseconds since 1970."""


def _id(name: str, *parts: Any, **options: Any) -> Column[Any]:
    return Column(name, ID, *parts, **options)


def _must(name: str, type_: Any, *parts: Any) -> Column[Any]:
    return Column(name, type_, *parts, nullable=False)


def _may(name: str, type_: Any) -> Column[Any]:
    return Column(name, type_, nullable=True)


def _table(name: str, *parts: Any) -> Table:
    # WITHOUT ROWID: the primary key is the table itself, not a second tree beside it.
    return Table(name, metadata, *parts, sqlite_with_rowid=False)


_table(
    "meeting",
    _id("uid", primary_key=True),
    _must("id", ID),
    _must("created_by", ID),
    _must("created_at", TIME),
    _must("run", BigInteger),
    _must("epoch", BigInteger),
    _must("event_seq", BigInteger),
    _must("version", BigInteger),
    _must("title", Text),
    _must("lobby", Boolean),
    _must("locked", Boolean),
    _must("guests_may_share", Boolean),
    _must("guests_may_chat", Boolean),
    _must("guests_may_unmute", Boolean),
    _must("max_participants", BigInteger),
    _may("passcode_hash", Text),
    _may("ended_at", TIME),
    _must("active_at", TIME),
    UniqueConstraint("id", name="meeting_id_key"),
)

_table(
    "participant",
    _id("id", primary_key=True),
    _must("meeting_uid", ID, ForeignKey("meeting.uid", name="participant_meeting_fkey")),
    _must("person_id", ID),
    _must("name", Text),
    _must("role", ID),
    _must("status", ID),
    _must("joined_at", TIME),
    _must("changed_at", TIME),
    _must("run", BigInteger),
    _must("fence", BigInteger),
    _must("audio", Boolean),
    _must("video", Boolean),
    _must("screen", Boolean),
    _may("microphone_connection", ID),
    _may("screen_connection", ID),
    _may("hand_at", TIME),
    _must("admitted", Boolean),
    _must("verified", Boolean),
    _may("left_at", TIME),
    _must("twin", BigInteger),
    UniqueConstraint("meeting_uid", "person_id", name="participant_person_key"),
)

_table(
    "connection",
    _id("id", primary_key=True),
    _must(
        "participant_id",
        ID,
        ForeignKey("participant.id", name="connection_participant_fkey", ondelete="CASCADE"),
    ),
    _must("meeting_uid", ID),
    _must("fence", BigInteger),
    _must("state", ID),
    _must("created_at", TIME),
    _must("changed_at", TIME),
    _may("process_id", ID),
    _must("device", Text),
    Index("connection_participant_idx", "participant_id"),
    Index("connection_meeting_idx", "meeting_uid"),
    Index("connection_state_idx", "state", "changed_at"),
)

_table(
    "message",
    _id("id", primary_key=True),
    _must("meeting_uid", ID, ForeignKey("meeting.uid", name="message_meeting_fkey")),
    _must("run", BigInteger),
    # No foreign key: the message of a guest who was forgotten stays readable.
    _must("participant_id", ID),
    _must("name", Text),
    _must("text", Text),
    _must("posted_at", TIME),
    # The default is for processes of the last release, which do not know the column.
    Column("event_seq", BigInteger, nullable=False, server_default="0"),
    _may("to", ID),
    _may("reply_to", ID),
    _may("edited_at", TIME),
    _may("deleted_at", TIME),
    Index("message_run_idx", "meeting_uid", "run", "event_seq"),
)

# No foreign key: the number that is the primary key comes from the meeting's own row.
_table(
    "event",
    _id("meeting_uid", primary_key=True),
    Column("event_seq", BigInteger, primary_key=True, autoincrement=False),
    _must("epoch", BigInteger),
    _must("type", ID),
    _must("at", TIME),
    _must("body", LargeBinary),
    _must("audience", Text),
)

_table(
    "idempotency",
    _id("person_id", primary_key=True),
    _id("idempotency_key", primary_key=True),
    _must("fingerprint", Text),
    _must("response", LargeBinary),
    _must("at", TIME),
)

_table(
    "process",
    _id("id", primary_key=True),
    _must("started_at", TIME),
    _must("heartbeat_at", TIME),
    _must("media_url", Text),
    _must("draining", Boolean),
)

_table(
    "media_lease",
    _id(
        "meeting_uid",
        ForeignKey("meeting.uid", name="media_lease_meeting_fkey"),
        primary_key=True,
    ),
    _may("process_id", ID),
    _must("epoch", BigInteger),
)
