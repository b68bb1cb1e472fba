"""The tables of history; each change of them needs a step in ``steps``.

Times are ms UTC.  ``data`` is the record as JSON: what has a column of its own is there to be
searched and sorted.
"""

from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from sentinel.database import Schema, offsets_table
from sentinel.database.schema import versions_table

META = MetaData()
# The newest revision of each alert.
ALERTS = Table(
    "history_alerts",
    META,
    Column("alert_id", String(64), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("entity_kind", String(32), nullable=False),
    Column("entity_id", String(160), nullable=False),
    Column("risk", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("over", Integer, nullable=False),
    Column("urgency", Integer, nullable=False),  # index of the tier: 0 is red
    Column("score", Float, nullable=False),
    Column("rule", String(128), nullable=False),  # of the strongest reason
    Column("amount", Float),  # the largest one that its reasons saw
    Column("suppressed", Integer, nullable=False),
    Column("owner", String(64)),  # whom it is assigned to, or else who has acknowledged it
    Column("resolution", String(16)),
    Column("opened_ms", BigInteger, nullable=False),
    Column("since_ms", BigInteger, nullable=False),  # when it came to its tier
    Column("updated_ms", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    # What a queue shows is read in its order: all, one person's, one risk's, one rule's.
    Index("history_queue", "over", "urgency", "since_ms"),
    Index("history_queue_of_owner", "over", "owner", "urgency", "since_ms"),
    Index("history_queue_of_risk", "over", "risk", "urgency", "since_ms"),
    Index("history_queue_of_rule", "over", "rule", "urgency", "since_ms"),
    Index("history_by_entity", "entity_id", "entity_kind", "opened_ms"),
    Index("history_by_rule", "rule", "opened_ms"),
    Index("history_ended", "over", "updated_ms"),
)
# Every revision; `number` is the order in which they were stored, and never goes back.
REVISIONS = Table(
    "history_revisions",
    META,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("alert_id", String(64), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("change", String(16), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("history_revisions_once", "alert_id", "revision", unique=True),
    sqlite_autoincrement=True,
)
# The rules behind the newest revision of each alert.
REASONS = Table(
    "history_reasons",
    META,
    Column("alert_id", String(64), primary_key=True),
    Column("rule", String(128), primary_key=True),
    Column("contribution", Float, nullable=False),
    Index("history_reasons_by_rule", "rule"),
)
ACTIONS = Table(
    "history_actions",
    META,
    Column("request_id", String(160), primary_key=True),
    Column("alert_id", String(64), nullable=False, index=True),
    Column("action", String(32), nullable=False),
    Column("requested_ms", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
# What people answered, as it was sent.
RESPONSES = Table(
    "history_responses",
    META,
    Column("place", String(320), key="record", primary_key=True),  # topic-partition@offset
    Column("response_id", String(128), nullable=False, index=True),
    Column("alert_id", String(128), index=True),
    Column("kind", String(16), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("verdict", String(16)),
    Column("assignee", String(64)),
    Column("event_id", String(128)),
    Column("note", Text),
    Column("at_ms", BigInteger, nullable=False),
)
# What became of them; the id names the partition and offset of the response itself.
OUTCOMES = Table(
    "history_outcomes",
    META,
    Column("outcome_id", String(160), primary_key=True),
    Column("response_id", String(128), nullable=False, index=True),
    Column("alert_id", String(128), index=True),
    Column("result", String(16), nullable=False),
    Column("reason", String(32)),
    Column("detail", Text),
    Column("revision", Integer),
    Column("at_ms", BigInteger, nullable=False),
)
# Where each complaint stands, as the engine's book of complaints has it.
COMPLAINTS = Table(
    "history_complaints",
    META,
    Column("complaint_id", String(128), primary_key=True),
    Column("customer_id", String(128), nullable=False, index=True),
    Column("channel", String(64), nullable=False),
    Column("product", String(64)),
    Column("category", String(64)),
    Column("branch", String(128)),
    Column("language", String(8)),  # of the first text that it has
    Column("amount", Float),  # the largest one in dispute
    Column("state", String(16), nullable=False),
    Column("over", Integer, nullable=False),
    Column("late", Integer, nullable=False),  # whether a duty was fulfilled after its deadline
    Column("duty", String(16)),  # the open one whose deadline comes first
    Column("due_ms", BigInteger),  # that deadline
    Column("opened_ms", BigInteger, nullable=False),
    Column("since_ms", BigInteger, nullable=False),  # when it came to its state
    Column("data", LargeBinary, nullable=False),
    Index("history_complaints_due", "over", "due_ms"),
    Index("history_complaints_ended", "over", "since_ms"),
    Index("history_complaints_of_branch", "over", "branch", "since_ms"),
)
# The events of complaints, in the order in which they were stored.
COMPLAINT_STEPS = Table(
    "history_complaint_steps",
    META,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("complaint_id", String(128), nullable=False),
    Column("event_id", String(128), nullable=False),
    Column("status", String(16), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("extended_to", String(64)),
    Column("approved_by", String(128)),
    Index("history_complaint_steps_once", "complaint_id", "event_id", unique=True),
    sqlite_autoincrement=True,
)
# Records that were no events; the key names them, and `value` is no more than the start of one.
DEAD_LETTERS = Table(
    "history_dead_letters",
    META,
    Column("topic", String(255), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String(32), nullable=False),
    Column("detail", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("key", String(160), index=True),  # of the record: its customer's id
    Column("value", LargeBinary),
    Column("value_bytes", BigInteger),  # of the whole record
    Column("repaired_ms", BigInteger),  # when it was sent again
    Column("repaired_by", String(64)),
)
OFFSETS = offsets_table(META, "history_offsets")
SCHEMA = Schema(
    META,
    versions_table("sentinel_history_version", META),
    version="0001",
    steps=Path(__file__).parent / "steps",
    lock=7236835,
)
