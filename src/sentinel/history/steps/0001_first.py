"""Alerts and what belongs to them, complaints, dead letters and offsets."""

from alembic import op

from sentinel.history.tables import META

revision, down_revision = "0001", None


def upgrade() -> None:
    """The first tables are those that are declared: a database without them is made whole."""
    META.create_all(op.get_bind())
