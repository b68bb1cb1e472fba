"""Alerts, pages and offsets."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    """Every step may find its work done: SQLite commits each statement by itself."""
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.String(64), primary_key=True),
        sa.Column("paged", sa.LargeBinary, nullable=False),
        sa.Column("over", sa.Integer, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "pages",
        sa.Column("page_id", sa.String(255), primary_key=True),
        sa.Column("alert_id", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("urgency", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("prompt", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("ended_ms", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_pages_alert_id", "pages", ["alert_id"], if_not_exists=True)
    of_channel = ["channel", "state", "due_ms"]
    op.create_index("pages_to_send", "pages", of_channel, if_not_exists=True)
    op.create_table(
        "offsets",
        sa.Column("place", sa.String(255), primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
