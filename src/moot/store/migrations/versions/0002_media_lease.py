"""Make the table that says which process carries a meeting's media.

Frozen: it says what the schema was, so it repeats `schema.py` and never imports it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "media_lease",
        sa.Column("meeting_uid", _ID, nullable=False),
        sa.Column("process_id", _ID, nullable=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["meeting_uid"], ["meeting.uid"], name="media_lease_meeting_fkey"),
        sa.PrimaryKeyConstraint("meeting_uid"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        # As for every table: see the first step.
        op.execute("ALTER TABLE media_lease ENABLE ROW LEVEL SECURITY")
