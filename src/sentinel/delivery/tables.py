"""The tables of the outbox; each change of them needs a step in ``steps``."""

from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from sentinel.database import Schema, offsets_table
from sentinel.database.schema import versions_table

DUE, SENT, DEAD, CANCELLED = "due", "sent", "dead", "cancelled"

META = MetaData()
ALERTS = Table(
    "alerts",
    META,
    Column("alert_id", String(64), primary_key=True),
    Column("paged", LargeBinary, nullable=False),
    Column("over", Integer, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)
PAGES = Table(
    "pages",
    META,
    Column("page_id", String(255), primary_key=True),
    Column("alert_id", String(64), nullable=False, index=True),
    Column("channel", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("urgency", Integer, nullable=False),  # index of the tier: 0 is red
    Column("state", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("prompt", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("ended_ms", BigInteger, nullable=False),
    Index("pages_to_send", "channel", "state", "due_ms"),
    Index("pages_waiting", "state", "since_ms"),
)
OFFSETS = offsets_table(META)
# Alerts found late are collected here until their digest becomes a page.
DIGESTS = Table(
    "late_digests",
    META,
    Column("page_id", String(255), primary_key=True),
    Column("route", String(64), nullable=False),
    Column("channel", String(64), nullable=False, index=True),
    Column("urgency", Integer, nullable=False),  # of the most urgent alert
    Column("since_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
)
FOUND_LATE = Table(
    "late_alerts",
    META,
    Column("page_id", String(255), primary_key=True),
    Column("alert_id", String(64), primary_key=True, index=True),
    Column("urgency", Integer, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("unanswered", Integer, nullable=False),
)
SCHEMA = Schema(
    META,
    versions_table("sentinel_outbox_version", META),
    version="0003",
    steps=Path(__file__).parent / "steps",
    lock=7236834,
)
