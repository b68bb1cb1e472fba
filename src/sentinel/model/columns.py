"""Columns: how a value looks as an array, and which names each stream has.

Every rule, feature and detector sees events as columns.  The kind of a column says
its dtype and how "missing" is written, so three-valued logic costs no extra arrays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from sentinel.model.events import (
    ComplaintChannel,
    ComplaintStatus,
    CustomerType,
    Direction,
    Event,
    LoginKind,
    Stream,
    TransactionKind,
    TransactionStatus,
)

Array = NDArray[np.generic]

FALSE, UNKNOWN, TRUE = np.int8(0), np.int8(1), np.int8(2)
"""Kleene truth values: AND is minimum, OR is maximum, NOT is ``2 - x``."""


class Kind(StrEnum):
    """What a column's array holds."""

    NUMBER = "number"  # float64, NaN is missing
    TRUTH = "truth"  # int8: FALSE, UNKNOWN, TRUE
    CODE = "code"  # int16 place in the column's vocabulary, -1 is missing
    STRING = "string"  # uint64 hash of the text (model.ids.hash_text), 0 is missing
    TIME = "time"  # int64 milliseconds UTC, never missing


@dataclass(frozen=True, slots=True)
class Column:
    """A name that conditions may use on one stream.

    ``measures`` names the field whose distance from the customer's own normal this is; what is
    normal then stands in a column beside it, see :func:`normal_of`.
    """

    name: str
    kind: Kind
    vocabulary: tuple[str, ...] = ()
    required: bool = False
    unit: str = ""
    measures: str = ""


def normal_of(name: str) -> str:
    """The column, float64 with NaN for missing, beside ``name``; no condition can name it."""
    return f"{name}.normal"


Schema = Mapping[Stream, Mapping[str, Column]]
"""Every column by stream and name: event fields, then features, then detector outputs."""


def _enum(name: str, literal: object, *, required: bool = True) -> Column:
    return Column(name, Kind.CODE, get_args(literal), required)


def _columns(*columns: Column) -> dict[str, Column]:
    return {column.name: column for column in columns}


def _strings(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.STRING) for name in names)


def _numbers(**units: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.NUMBER, unit=unit) for name, unit in units.items())


EVENT_TIME = "event_time"

_ALWAYS = (
    Column(EVENT_TIME, Kind.TIME, required=True, unit="ms"),
    Column("customer_id", Kind.STRING, required=True),
    Column("event_id", Kind.STRING, required=True),
)

FIELDS: Schema = {
    Stream.TRANSACTION: _columns(
        *_ALWAYS,
        _enum("kind", TransactionKind),
        _enum("direction", Direction),
        _enum("status", TransactionStatus),
        Column("amount", Kind.NUMBER, required=True, unit="base currency"),
        Column("currency", Kind.STRING, required=True),
        _enum("customer_type", CustomerType, required=False),
        *_strings("account_id", "channel", "product", "counterparty_id", "counterparty_country"),
        *_strings("merchant_id", "mcc", "device_id", "ip", "country"),
        *_numbers(lat="degrees", lon="degrees", days_past_due="days", limit_used="share"),
        *_numbers(balance_after="base currency"),
    ),
    Stream.LOGIN: _columns(
        *_ALWAYS,
        _enum("kind", LoginKind),
        Column("success", Kind.TRUTH, required=True),
        *_strings("failure_reason", "method", "channel", "device_id", "ip", "asn"),
        *_strings("user_agent", "country", "session_id"),
        *_numbers(lat="degrees", lon="degrees"),
    ),
    Stream.COMPLAINT: _columns(
        *_ALWAYS,
        Column("complaint_id", Kind.STRING, required=True),
        _enum("status", ComplaintStatus),
        _enum("channel", ComplaintChannel),
        *_strings("product", "category", "branch_id", "text", "extended_to", "approved_by"),
        *_numbers(amount_involved="base currency"),
    ),
}

NAMES: Mapping[Stream, frozenset[str]] = {
    stream: frozenset(name for name in fields if name.endswith("_id") or name == "ip")
    - {"event_id"}
    for stream, fields in FIELDS.items()
}
"""The fields that name somebody or something, by stream; an event's own id may well be "0"."""
"""The columns that come from the events themselves."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The very bytes of text fields: ``data`` uint8[bytes], UTF-8, and where each text stands.

    ``spans`` maps a field to int64[n, 2], first byte and length of its text in each row; the
    span of a missing text is unspecified.  The text of an absent field that has a default is
    that default.
    """

    data: NDArray[np.uint8]
    spans: Mapping[str, NDArray[np.int64]]

    def only(self, wanted: NDArray[np.bool_]) -> "Texts":
        """The texts of the rows where ``wanted``, bool[n]."""
        return Texts(self.data, {name: spans[wanted] for name, spans in self.spans.items()})


class Table(Protocol):
    """What a condition is evaluated over."""

    @property
    def columns(self) -> Mapping[str, Array]:
        """An array of the table's length by name, dtype by :class:`Kind`."""

    @property
    def events(self) -> Sequence[object]:
        """What each row is of, for the texts behind hashes."""

    def __len__(self) -> int:
        """How many rows."""


@dataclass(slots=True)
class Rows:
    """One stream's events in a batch, in merged order.

    ``place`` is int64[n]: where each row stands in the merged batch, ascending.
    ``columns`` maps a name to its array of length n, dtype by :class:`Kind`; only
    the columns that somebody asked for are there.  Features and detector outputs
    are added as the stages produce them.  ``events`` may make an event only when it is
    looked at: look at few.
    ``recorded_ms`` is int64[n], the append time of each record, ascending.  ``texts`` holds the
    texts that somebody spells.  ``fresh`` bool[n] tells which were not collected for shared
    entities before; None: none was.
    """

    stream: Stream
    events: Sequence[Event]
    place: NDArray[np.int64]
    recorded_ms: NDArray[np.int64]
    columns: dict[str, Array] = field(default_factory=dict)
    texts: Texts | None = None
    fresh: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.events)


@dataclass(slots=True)
class Batch:
    """All events of a step, merged: the unit on which every stage works.

    ``event_time`` int64[n] ms UTC, ``stream`` int8[n] (place in ``tuple(Stream)``),
    ``customer`` uint64[n] hash of customer_id, ``row`` int64[n] index into the
    stream's :class:`Rows`, ``late`` bool[n]: appended later than the lateness bound allows,
    ``order`` int64[n] ascending: the append time (ms UTC), by which the streams are merged.
    """

    event_time: NDArray[np.int64]
    stream: NDArray[np.int8]
    customer: NDArray[np.uint64]
    row: NDArray[np.int64]
    late: NDArray[np.bool_]
    order: NDArray[np.int64]
    rows: dict[Stream, Rows]

    def __len__(self) -> int:
        return len(self.event_time)
