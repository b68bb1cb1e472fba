"""Messages between shards about shared entities: rollups, entity risks and progress."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sentinel.model.columns import Array
from sentinel.model.entity import EntityKind
from sentinel.model.events import LAST_MOMENT_MS, Id, Stream

BEHIND_MS = 60_000
"""A shard whose stream time lags by more is behind: it catches up."""

EpochMs = Annotated[int, Meta(ge=0, le=LAST_MOMENT_MS)]
"""A moment as shards tell it: one that is beyond its meaning would be beyond int64, too."""
_STREAMS = tuple(Stream)


@dataclass(frozen=True, slots=True)
class RollupBlock:
    """The sums of a step for the entities of one kind: a row for each entity and pane.

    ``rows`` int64[r, width] as ``entities.layout`` defines, in the order of their panes;
    ``text`` uint8[bytes] holds the entities' ids one after the other, ``ends`` int64[r] where
    each ends; ``owners`` uint32[r] is the hash that leads to the owner's partition.
    ``version`` is the hash of the measures that the rows are for.
    """

    kind: EntityKind
    version: bytes
    rows: NDArray[np.int64]
    ends: NDArray[np.int64]
    text: NDArray[np.uint8]
    owners: NDArray[np.uint32]


@dataclass(slots=True)
class EntityRows:
    """The measures of entities of one kind after each rollup row, n rows.

    ``ids`` are their ids, ``columns`` float64[n] by measure; of the newest event behind each row
    ``event_time`` and ``recorded_ms`` int64[n] ms UTC, and ``stream`` int64[n], its index in
    ``tuple(Stream)``; ``pane_ms`` int64[n] is when the row's pane begins.
    """

    kind: EntityKind
    ids: Sequence[str]
    columns: Mapping[str, Array]
    event_time: NDArray[np.int64]
    recorded_ms: NDArray[np.int64]
    stream: NDArray[np.int64]
    pane_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.event_time)

    @property
    def events(self) -> Sequence[object]:
        """Nothing: measures are numbers, there is no text behind them."""
        return ()

    def stream_of(self, row: int) -> Stream:
        """The stream of the newest event behind a row."""
        return _STREAMS[int(self.stream[row])]


class Progress(Struct, frozen=True, array_like=True):
    """How far a shard had read its inputs at the end of a step.

    ``stream_ms`` is stream time (ms UTC).  ``is_behind``: it lagged behind wall-clock
    time by more than :data:`BEHIND_MS`, ``was_behind`` that the step processed records as old.
    """

    stream_ms: EpochMs
    is_behind: bool = False
    was_behind: bool = False

    @property
    def asks(self) -> bool:
        """Whether the shard waits for entity risks."""
        return self.is_behind or self.was_behind


class EntityRisk(Struct, frozen=True, kw_only=True):
    """The risk of a shared entity for the rules of customers, for records from ``at`` on.

    ``at`` (ms UTC) is append time, a second or two after the row that made it risky: so the
    result of a rule does not depend on how soon the entry arrives.
    """

    kind: EntityKind
    id: Id
    risk: Annotated[int, Meta(ge=1, le=100)]
    at: EpochMs


class EntityRiskProgress(Struct, frozen=True, kw_only=True):
    """Shard ``owner`` of ``owners`` has sent all entity risks up to append time ``until`` (ms UTC).

    Sent while the owner catches up after an outage.
    """

    owner: Annotated[int, Meta(ge=0, lt=1_024)]
    owners: Annotated[int, Meta(ge=1, le=1_024)]
    until: EpochMs
