"""A kind of feature: its grammar in features.yaml, its tables, its layout and its oracle.

Each file of ``kernels`` with a ``KIND`` describes one kind beside the kernels that compute it;
declaration and layout iterate over ``kernels.advance.KINDS``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import Column, Kind
from sentinel.model.events import Stream

if TYPE_CHECKING:
    from sentinel.features.builder import Builder

CALENDAR = "calendar"
"""The key of a span that is a calendar period; every other span is a duration."""

Table = NDArray[np.void]
"""Records of int64 columns."""

Record = Any
"""One of them; its columns are attributes, which NumPy's types cannot express."""


@dataclass(frozen=True, slots=True, repr=False)
class Operation:
    """What a feature computes, and how features.yaml declares it.

    Attributes
    ----------
    name
        The key that declares it.
    fields
        The meaning of each event field that the operation reads; without any, the key takes
        ``true``.
    reads
        The kind of these fields.
    span
        The key of the time that the operation looks back.  One name may be declared with different
        spans, each of them an operation.
    after
        Whether it counts events that come after others: those of a second condition, ``after``.
    keep
        Whether a declaration may limit how many values are kept.
    many_streams
        Whether several streams may advance one feature.
    unit, result, required, measures
        The column that conditions see.  With ``measures`` the result is a distance from the
        customer's normal, and what is normal is a second result.
    """

    name: str
    fields: tuple[str, ...] = ()
    reads: Kind = Kind.NUMBER
    span: str = ""
    after: bool = False
    keep: bool = False
    many_streams: bool = False
    unit: str = ""
    result: Kind = Kind.NUMBER
    required: bool = False
    measures: bool = False

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        # Snapshots hold the repr of a feature, from the time when operations were an enum.
        return f"<Operation.{self.name.upper()}: {self.name!r}>"


@dataclass(frozen=True, slots=True)
class Feature:
    """One declared feature; ``span_ms`` is its window, memory or half-life.

    It counts events on which ``where`` holds, some kinds after those on which ``after`` holds.
    """

    name: str
    operation: Operation
    streams: tuple[Stream, ...]
    fields: tuple[str, ...]
    where: str | None
    span_ms: int
    calendar: str | None
    keep: int
    after: str | None = None

    @property
    def meaning(self) -> "Feature":
        """All but the name: features of one meaning have one state."""
        return replace(self, name="")

    @property
    def column(self) -> Column:
        """The column that conditions see."""
        return Column(
            self.name,
            self.operation.result,
            required=self.operation.required,
            unit=self.operation.unit,
            measures=self.fields[0] if self.operation.measures else "",
        )


class Moment(NamedTuple):
    """One event of a customer as an oracle sees it.

    ``time`` in ms UTC, ``local`` the same on the local wall clock; ``values`` are the feature's
    fields, None where the feature does not count the event; ``came`` are those of its events
    ``after`` which it counts.
    """

    time: int
    local: datetime
    values: tuple[float | str, ...] | None
    came: tuple[float | str, ...] | None = None


def nothing(*_: object) -> None:
    """Lay out nothing."""


@dataclass(frozen=True, slots=True)
class FeatureKind:
    """Features that one kernel computes.

    Attributes
    ----------
    operations
        What it computes.
    tables
        The columns of its tables, by their name in ``advance.Tables``.
    oracle
        The value of a feature at the last of a customer's events, which are in order of arrival:
        pure Python over all of them, NaN where it is missing.  Tests compare the kernel with it.
    share
        Lays out what the features of the kind have in common, before any feature.
    lay_out
        Gives a feature its words of the row and its records of the tables.
    local_time
        Whether the kernel reads local hours or calendar periods.
    """

    operations: tuple[Operation, ...]
    tables: Mapping[str, np.dtype[np.void]]
    oracle: Callable[[Feature, Sequence[Moment]], float]
    share: Callable[["Builder"], None] = nothing
    lay_out: Callable[["Builder", Feature], None] = nothing
    local_time: bool = False


def columns(*names: str, **several: int) -> np.dtype[np.void]:
    """The dtype of a table: int64 columns, and arrays of ``several[name]`` int64."""
    each = [(name, np.int64) for name in names]
    return np.dtype((np.record, [*each, *((name, np.int64, n) for name, n in several.items())]))
