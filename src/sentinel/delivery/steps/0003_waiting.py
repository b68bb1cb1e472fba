"""An index for what waits: it is asked for every second, among a month's pages."""

from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """By state and time."""
    op.create_index("pages_waiting", "pages", ["state", "since_ms"], if_not_exists=True)
