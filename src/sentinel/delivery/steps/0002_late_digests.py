"""Digests of alerts that were found late."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    """Two tables."""
    op.create_table(
        "late_digests",
        sa.Column("page_id", sa.String(255), primary_key=True),
        sa.Column("route", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("urgency", sa.Integer, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_late_digests_channel", "late_digests", ["channel"], if_not_exists=True)
    op.create_table(
        "late_alerts",
        sa.Column("page_id", sa.String(255), primary_key=True),
        sa.Column("alert_id", sa.String(64), primary_key=True),
        sa.Column("urgency", sa.Integer, nullable=False),
        sa.Column("first_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.Column("unanswered", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_late_alerts_alert_id", "late_alerts", ["alert_id"], if_not_exists=True)
