"""Make the tables of the first release.

Frozen: it says what the schema was, so it repeats `schema.py` and never imports it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TABLES = ("meeting", "participant", "connection", "message", "event", "idempotency", "process")
_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _must(name: str, type_: Any) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False)


def _may(name: str, type_: Any) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=True)


def upgrade() -> None:
    """Make every table and index."""
    op.create_table(
        "meeting",
        _must("uid", _ID),
        _must("id", _ID),
        _must("created_by", _ID),
        _must("created_at", sa.BigInteger),
        _must("run", sa.BigInteger),
        _must("epoch", sa.BigInteger),
        _must("event_seq", sa.BigInteger),
        _must("version", sa.BigInteger),
        _must("title", sa.Text),
        _must("lobby", sa.Boolean),
        _must("locked", sa.Boolean),
        _must("guests_may_share", sa.Boolean),
        _must("guests_may_chat", sa.Boolean),
        _must("guests_may_unmute", sa.Boolean),
        _must("max_participants", sa.BigInteger),
        _may("passcode_hash", sa.Text),
        _may("ended_at", sa.BigInteger),
        _must("active_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("uid"),
        sa.UniqueConstraint("id", name="meeting_id_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "participant",
        _must("id", _ID),
        _must("meeting_uid", _ID),
        _must("person_id", _ID),
        _must("name", sa.Text),
        _must("role", _ID),
        _must("status", _ID),
        _must("joined_at", sa.BigInteger),
        _must("changed_at", sa.BigInteger),
        _must("run", sa.BigInteger),
        _must("fence", sa.BigInteger),
        _must("audio", sa.Boolean),
        _must("video", sa.Boolean),
        _must("screen", sa.Boolean),
        _may("microphone_connection", _ID),
        _may("screen_connection", _ID),
        _may("hand_at", sa.BigInteger),
        _must("admitted", sa.Boolean),
        _must("verified", sa.Boolean),
        _may("left_at", sa.BigInteger),
        _must("twin", sa.BigInteger),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["meeting_uid"], ["meeting.uid"], name="participant_meeting_fkey"),
        sa.UniqueConstraint("meeting_uid", "person_id", name="participant_person_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "connection",
        _must("id", _ID),
        _must("participant_id", _ID),
        _must("meeting_uid", _ID),
        _must("fence", sa.BigInteger),
        _must("state", _ID),
        _must("created_at", sa.BigInteger),
        _must("changed_at", sa.BigInteger),
        _may("process_id", _ID),
        _must("device", sa.Text),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name="connection_participant_fkey",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("connection_participant_idx", "connection", ["participant_id"])
    op.create_index("connection_meeting_idx", "connection", ["meeting_uid"])
    op.create_index("connection_state_idx", "connection", ["state", "changed_at"])
    op.create_table(
        "message",
        _must("id", _ID),
        _must("meeting_uid", _ID),
        _must("run", sa.BigInteger),
        _must("participant_id", _ID),
        _must("name", sa.Text),
        _must("text", sa.Text),
        _must("posted_at", sa.BigInteger),
        _may("to", _ID),
        _may("reply_to", _ID),
        _may("edited_at", sa.BigInteger),
        _may("deleted_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["meeting_uid"], ["meeting.uid"], name="message_meeting_fkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("message_run_idx", "message", ["meeting_uid", "run", "posted_at", "id"])
    op.create_table(
        "event",
        _must("meeting_uid", _ID),
        _must("event_seq", sa.BigInteger),
        _must("epoch", sa.BigInteger),
        _must("type", _ID),
        _must("at", sa.BigInteger),
        _must("body", sa.LargeBinary),
        _must("audience", sa.Text),
        sa.PrimaryKeyConstraint("meeting_uid", "event_seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency",
        _must("person_id", _ID),
        _must("idempotency_key", _ID),
        _must("fingerprint", sa.Text),
        _must("response", sa.LargeBinary),
        _must("at", sa.BigInteger),
        sa.PrimaryKeyConstraint("person_id", "idempotency_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "process",
        _must("id", _ID),
        _must("started_at", sa.BigInteger),
        _must("heartbeat_at", sa.BigInteger),
        _must("media_url", sa.Text),
        _must("draining", sa.Boolean),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        # Hosted databases may serve the tables of `public` over HTTP to anyone: without a policy
        # nobody but the owner reads a row. Owners are not bound by it, so moot notices nothing.
        for table in (*_TABLES, "alembic_version"):
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
