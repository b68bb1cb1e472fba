"""Columns: the arrays of values by kind, and the names of each stream.

Every rule, feature and detector sees events as columns.  The kind of a column defines
its dtype and its code for "missing", so three-valued logic needs no extra arrays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from sentinel.model.events import EVENT_TYPES, Event, Stream, Unit

Array = NDArray[np.generic]

FALSE, UNKNOWN, TRUE = np.int8(0), np.int8(1), np.int8(2)
"""Kleene truth values: AND is minimum, OR is maximum, NOT is ``2 - x``."""


class Kind(StrEnum):
    """What a column's array holds."""

    NUMBER = "number"  # float64, NaN is missing
    TRUTH = "truth"  # int8: FALSE, UNKNOWN, TRUE
    CODE = "code"  # int16 index in the column's vocabulary, -1 is missing
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


def _leaves(annotation: Any) -> list[tuple[Any, Sequence[Any]]]:
    """The types of which a field's value has one, each with what its annotation adds."""
    if get_origin(annotation) is Annotated:
        kind, *notes = get_args(annotation)
        return [(leaf, (*more, *notes)) for leaf, more in _leaves(kind)]
    if get_origin(annotation) in (Union, UnionType):
        return [leaf for each in get_args(annotation) for leaf in _leaves(each)]
    return [(annotation, ())]


def _column(name: str, annotation: Any) -> Column:
    """The column of a field; one that cannot be None is never missing."""
    leaves = _leaves(annotation)
    types = [kind for kind, _ in leaves]
    words = [word for kind in types if get_origin(kind) is Literal for word in get_args(kind)]
    units = [str(note) for _, notes in leaves for note in notes if isinstance(note, Unit)]
    kind = Kind.CODE if words else next(kind for python, kind in _KINDS.items() if python in types)
    required = NoneType not in types
    return Column(name, kind, tuple(words), required, unit=next(iter(units), ""))


_KINDS = {datetime: Kind.TIME, float: Kind.NUMBER, bool: Kind.TRUTH, str: Kind.STRING}
"""The kind of a field that may be of the type; the first that fits: amounts may be text."""

EVENT_TIME = "event_time"

_ALWAYS = (EVENT_TIME, "customer_id", "event_id")


def _columns(struct: type[Event]) -> dict[str, Column]:
    """The columns of an event type; the hash of an event's content depends on their order."""
    annotations = get_type_hints(struct, include_extras=True)
    return {
        name: _column(name, annotations[name]) for name in dict.fromkeys((*_ALWAYS, *annotations))
    }


FIELDS: Schema = {stream: _columns(struct) for stream, struct in EVENT_TYPES.items()}
"""The columns that come from the events themselves."""

NAMES: Mapping[Stream, frozenset[str]] = {
    stream: frozenset(name for name in fields if name.endswith("_id") or name == "ip")
    - {"event_id"}
    for stream, fields in FIELDS.items()
}
"""The fields that name an entity, by stream; an event's own id may be "0"."""


START, LENGTH = 0, 1
"""Columns of a table of spans: the first byte of a text, and how many bytes it has."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The raw bytes of text fields: ``data`` uint8[bytes], UTF-8, and the span of each text.

    ``spans`` int64[fields, n, 2]: for each of ``fields`` START and LENGTH of its text in each
    row; the span of a missing text is unspecified.  The text of an absent field that has a
    default is that default.
    """

    data: NDArray[np.uint8]
    fields: tuple[str, ...]
    spans: NDArray[np.int64]

    def spans_of(self, field: str) -> NDArray[np.int64]:
        """The spans of one field, int64[n, 2]."""
        spans: NDArray[np.int64] = self.spans[self.fields.index(field)]
        return spans

    def only(self, wanted: NDArray[np.bool_]) -> "Texts":
        """The texts of the rows where ``wanted``, bool[n]."""
        return Texts(self.data, self.fields, self.spans[:, wanted])


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

    ``index`` is int64[n]: the index of each row in the merged batch, ascending.
    ``columns`` maps a name to its array of length n, dtype by :class:`Kind`; only
    requested columns are there.  Features and detector outputs
    are added as the stages produce them.  ``events`` may decode an event on
    access: read few.
    ``recorded_ms`` is int64[n], the append time of each record, ascending.  ``texts`` has the
    raw texts that are needed.  ``fresh`` bool[n] marks those that were not collected for shared
    entities before; None: none was.
    """

    stream: Stream
    events: Sequence[Event]
    index: NDArray[np.int64]
    recorded_ms: NDArray[np.int64]
    columns: dict[str, Array] = field(default_factory=dict)
    texts: Texts | None = None
    fresh: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.events)


@dataclass(slots=True)
class Batch:
    """All events of a step, merged: the unit on which every stage works.

    ``event_time`` int64[n] ms UTC, ``stream`` int8[n] (index in ``tuple(Stream)``),
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
