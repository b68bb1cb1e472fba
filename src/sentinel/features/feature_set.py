"""The features of a shard's customers: tables, conditions and the slab of rows."""

import math
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sentinel.features.builder import Condition
from sentinel.features.carry import Slab, carry
from sentinel.features.declare import Declarations
from sentinel.features.kernels.advance import Inputs, Memory, advance
from sentinel.features.kernels.rings import MAX_VALUES
from sentinel.features.layout import lay_out
from sentinel.features.local_time import LocalTime
from sentinel.features.warm_up import WarmUp
from sentinel.model.columns import (
    FALSE,
    FIELDS,
    TRUE,
    UNKNOWN,
    Batch,
    Kind,
    normal_of,
)
from sentinel.model.condition import Compiler, Wanted
from sentinel.model.events import Stream
from sentinel.model.kernel import kernel
from sentinel.model.stage import Buffer
from sentinel.state import copied

_UTC = ZoneInfo("UTC")


class FeatureSet:
    """Computes demanded features, event by event, over at most ``capacity`` customers.

    Parameters
    ----------
    declarations
        The contents of features.yaml.
    demand
        The feature names that rules and detectors read, by the stream of the reader.
    compiler
        Compiles each ``where``; it may use the fields of the event only.
    local_time
        Local days and hours of calendar features and hour rarity.
    capacity, overflow_capacity
        Rows for customers, and overflow rows for customers whose ring has overflowed.
    """

    def __init__(
        self,
        declarations: Declarations,
        demand: Mapping[Stream, frozenset[str]],
        compiler: Compiler,
        local_time: LocalTime,
        capacity: int,
        overflow_capacity: int,
    ) -> None:
        self._layout = lay_out(declarations, demand)
        # Where no feature asks for local time that of UTC is the quickest.
        self._local_time = local_time if self._layout.uses_local_time else LocalTime(_UTC)
        features = {feature.name: feature for feature in declarations.features}
        paths = {
            getattr(feature, key): declarations.path(feature, key)
            for feature in reversed(features.values())
            for key in ("after", "where")
        }
        self._conditions = {
            (each.stream, each.where): compiler.compile(
                each.where, FIELDS[each.stream], declarations.document, paths[each.where]
            )
            for each in self._layout.bits
            if each.where is not None
        }
        self._bits = {
            stream: compiler.bits(
                {
                    bit: self._wanted(each)
                    for each, bit in self._layout.bits.items()
                    if each.stream is stream
                },
                FIELDS[stream],
            )
            for stream in Stream
        }
        self._results = len(self._layout.outputs) + len(self._layout.measuring)
        self._demand = self._demanded(demand)
        truths = {each.name for each in self._layout.outputs if each.column.kind is Kind.TRUTH}
        self._truths = {
            stream: tuple(name for _, name in demanded if name in truths)
            for stream, demanded in self._demand.items()
        }
        self._rows = np.zeros(capacity * self._layout.width, np.int64)
        self._overflow = np.zeros(overflow_capacity * self._layout.overflow_width, np.int64)
        self._overflow_head = np.zeros(3, np.int64)
        self.warm_up = WarmUp(self._layout.outputs)

    def _demanded(
        self, demand: Mapping[Stream, frozenset[str]]
    ) -> dict[Stream, tuple[tuple[int, str], ...]]:
        """The rows of the kernels' result that each stream's readers want, and their names."""
        outputs, measuring = self._layout.outputs, self._layout.measuring
        rows = [(feature.name, feature.name) for feature in outputs]
        rows += [(feature.name, normal_of(feature.name)) for feature in measuring]
        return {
            stream: tuple(
                (index, column)
                for index, (feature, column) in enumerate(rows)
                if feature in demand.get(stream, frozenset())
            )
            for stream in Stream
        }

    @property
    def field_demand(self) -> dict[Stream, frozenset[str]]:
        """The event fields that these features read, by stream."""
        names: dict[Stream, set[str]] = {stream: set() for stream in Stream}
        for condition in self._layout.bits:
            names[condition.stream] |= set(condition.fields)
        for (stream, _), expression in self._conditions.items():
            names[stream] |= expression.names
        return {stream: frozenset(each) for stream, each in names.items()}

    @property
    def bytes_per_customer(self) -> int:
        """Bytes of one customer's row."""
        return 8 * self._layout.width

    @property
    def overflow_used(self) -> int:
        """Customers that have panes."""
        return int(self._overflow_head[2])

    def update(self, batch: Batch, slots: NDArray[np.int64], fresh: NDArray[np.bool_]) -> int:
        """Advance over a batch and add the demanded features to its rows' columns.

        Returns how many events found no room among the overflow rows.
        """
        layout, n = self._layout, len(batch)
        if not layout.outputs:
            return 0
        if n:
            self.warm_up.feed(int(batch.event_time[0]), int(batch.event_time.max()))
        out = np.empty((self._results, n), np.float64)
        inputs = self._inputs(batch, slots, fresh)
        lost = advance(layout.tables, inputs, self._memory(), np.empty(MAX_VALUES), out)
        for stream, rows in batch.rows.items():
            results, columns = list(out if len(rows) == n else out[:, rows.index]), rows.columns
            for index, name in self._demand[stream]:
                columns[name] = results[index]
            for name in self._truths[stream]:
                columns[name] = _truth(columns[name].view(np.float64))
        return int(lost)

    def _inputs(self, batch: Batch, slots: NDArray[np.int64], fresh: NDArray[np.bool_]) -> Inputs:
        layout, n = self._layout, len(batch)
        bits = np.empty(n, np.int64)
        values = np.zeros((len(layout.values), n), np.float64)
        ids = np.zeros((len(layout.ids), n), np.uint64)
        for stream, rows in batch.rows.items():
            at = slice(None) if len(rows) == n else rows.index
            bits[at] = self._bits[stream].of(rows)
            columns = rows.columns
            for index, name in enumerate(layout.values):
                if name in columns:
                    values[index, at] = columns[name]
            for index, name in enumerate(layout.ids):
                if name in columns:
                    ids[index, at] = columns[name]
        _forget_nan(values)
        return Inputs(
            slots,
            fresh,
            batch.stream,
            batch.event_time,
            bits,
            values,
            ids.view(np.int64),
            *self._local_time.calendar(batch.event_time),
        )

    def _wanted(self, condition: Condition) -> Wanted:
        fields = FIELDS[condition.stream]
        present = tuple(name for name in condition.fields if not fields[name].required)
        where = condition.where
        return Wanted(None if where is None else self._conditions[condition.stream, where], present)

    def _memory(self) -> Memory:
        return Memory(
            self._rows.view(np.float64),
            self._rows,
            self._layout.width,
            self._overflow.view(np.float64),
            self._overflow,
            self._layout.overflow_width,
            self._overflow_head,
        )

    def carry(self, old: "FeatureSet", was: NDArray[np.int64], now: NDArray[np.int64]) -> int:
        """Continue with the state of ``old`` for features that both have; this set is fresh.

        ``was`` and ``now`` int64[n] are each customer's slot before and after.  Returns how many
        customers lost their overflow row.
        """
        self.warm_up.carry(old.warm_up)
        return carry(old._slab(), self._slab(), was, now)  # noqa: SLF001

    def _slab(self) -> Slab:
        layout = self._layout
        return Slab(
            layout,
            self._rows.reshape(-1, layout.width),
            self._overflow.reshape(-1, layout.overflow_width),
            self._overflow_head,
        )

    def snapshot(self, highest: int) -> tuple[Buffer, Buffer, Buffer]:
        """Copies of the rows below slot ``highest``, of the overflow rows and of their head."""
        overflow_words = int(self._overflow_head[1]) * self._layout.overflow_width
        return (
            copied(self._rows[: highest * self._layout.width]),
            copied(self._overflow[:overflow_words]),
            copied(self._overflow_head),
        )

    def restore(self, data: tuple[Buffer, Buffer, Buffer]) -> None:
        """Restore the state that :meth:`snapshot` returned, under the same layout."""
        rows, overflow, head = (np.frombuffer(each, np.int64) for each in data)
        # Fresh zeros are not in memory until they are written to, old ones are.
        self._rows = np.zeros(len(self._rows), np.int64)
        self._overflow = np.zeros(len(self._overflow), np.int64)
        self._rows[: len(rows)], self._overflow[: len(overflow)] = rows, overflow
        self._overflow_head[:] = head

    def rows_of(self, slots: NDArray[np.int64]) -> bytes:
        """The rows of these slots one after another."""
        return self._rows.reshape(-1, self._layout.width)[slots].tobytes()


@kernel
def _forget_nan(values: NDArray[np.float64]) -> None:
    """0 for what is missing, float64[columns, n]: no condition takes it in."""
    for k in range(values.shape[0]):
        for i in range(values.shape[1]):
            if math.isnan(values[k, i]):
                values[k, i] = 0.0


@kernel
def _as_truth(values: NDArray[np.float64], out: NDArray[np.int8]) -> None:
    """1, 0 and NaN as Kleene truth."""
    for i in range(len(values)):
        if math.isnan(values[i]):
            out[i] = UNKNOWN
        else:
            out[i] = TRUE if values[i] > 0 else FALSE


def _truth(values: NDArray[np.float64]) -> NDArray[np.int8]:
    truths = np.empty(len(values), np.int8)
    _as_truth(values, truths)
    return truths
