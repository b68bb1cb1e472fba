"""The tables of the desk; each change of them needs a step in ``steps``.

They are in the database of history, under names of their own.  Times are ms UTC.
"""

from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    text,
)

from sentinel.database import Schema
from sentinel.database.schema import versions_table

META = MetaData()
USERS = Table(
    "desk_users",
    META,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("desk", String(64)),  # the owner of the rules whose alerts are this user's
    Column("password", String(256), nullable=False),  # argon2's hash with its parameters
    Column("enabled", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("login_ms", BigInteger),  # the latest login
)
SESSIONS = Table(
    "desk_sessions",
    META,
    Column("hash", String(64), primary_key=True),  # SHA-256 of the token, which is not stored
    Column("name", String(64), nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Index("desk_sessions_of", "name", "opened_ms"),
    Index("desk_sessions_opened", "opened_ms"),
    Index("desk_sessions_seen", "seen_ms"),
)
# Logins that failed, or whose password is being checked: what the rate limits count.
LOGINS = Table(
    "desk_logins",
    META,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("name_hash", String(64), nullable=False),  # people type passwords as names, too
    Column("address", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("desk_logins_by_name", "name_hash", "at_ms"),
    Index("desk_logins_by_address", "address", "at_ms"),
    Index("desk_logins_by_time", "at_ms"),
    sqlite_autoincrement=True,
)
# Lines are added, never changed or deleted: see audit.py.
AUDIT = Table(
    "desk_audit",
    META,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject_kind", String(32), nullable=False),
    Column("subject", String(160), nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Index("desk_audit_by_actor", "actor", "number"),
    Index("desk_audit_by_subject", "subject", "number"),
)
# What people answered here, until the engine has it: deferred for as long as it may be taken back.
OUTGOING = Table(
    "desk_outgoing",
    META,
    Column("response_id", String(64), primary_key=True),
    Column("alert_id", String(64), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),  # the response as JSON
    Index("desk_outgoing_due", "state", "due_ms"),
    Index("desk_outgoing_of", "alert_id", "made_ms"),
)
# Alerts that are put off, one snooze each; `urgency` is that of the tier at that time.
SNOOZES = Table(
    "desk_snoozes",
    META,
    Column("alert_id", String(64), primary_key=True),
    Column("actor", String(64), nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("urgency", Integer, nullable=False),
    Index("desk_snoozes_until", "until_ms"),
)
SCHEMA = Schema(
    META,
    versions_table("sentinel_desk_version", META),
    version="0001",
    steps=Path(__file__).parent / "steps",
    lock=7236836,
)
_LOCK = text("SELECT pg_advisory_xact_lock(7236837)")
_NOTHING = delete(AUDIT).where(AUDIT.c.number.is_(None))


def wait_for_turn(connection: Connection) -> None:
    """Let no other process write to these tables before the transaction's end.

    Call it before the transaction's first statement: what is read afterwards is the newest.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK)
    else:  # SQLite has one writer, and any statement that could write makes this transaction it
        connection.execute(_NOTHING)
