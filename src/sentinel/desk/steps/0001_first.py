"""Users, sessions, login attempts and the audit log."""

from alembic import op

from sentinel.desk.tables import META

revision, down_revision = "0001", None


def upgrade() -> None:
    """The first tables are those that are declared: a database without them is made whole."""
    META.create_all(op.get_bind())
