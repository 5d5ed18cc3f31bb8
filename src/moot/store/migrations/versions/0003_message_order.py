"""Keep the place of each chat message among the others: the number of the event that posted it.

Frozen: it says what the schema was, so it repeats `schema.py` and never imports it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Number the messages that there are within their run, in the order that they had.

    Each had an event of its own, numbered from 1 on: later ones have higher numbers.
    """
    op.add_column(
        "message", sa.Column("event_seq", sa.BigInteger, nullable=False, server_default="0")
    )
    op.execute(
        "UPDATE message SET event_seq = placed.place FROM ("
        "SELECT id, row_number() OVER (PARTITION BY meeting_uid, run ORDER BY posted_at, id) "
        "AS place FROM message) AS placed WHERE placed.id = message.id"
    )
    op.drop_index("message_run_idx", "message")
    op.create_index("message_run_idx", "message", ["meeting_uid", "run", "event_seq"])
