"""The events of one stream as columns, and what was no event."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sentinel.ingest.append_time import NEVER
from sentinel.ingest.lazy import ChosenEvents, RenamedEvents
from sentinel.model.columns import Array, Texts
from sentinel.model.events import Event, Stream
from sentinel.model.ids import Hasher
from sentinel.model.step import DeadLetter


@dataclass(slots=True)
class Decoded:
    """One stream's good events, in offset order, and its dead letters.

    ``columns`` holds the wanted field columns, dtype by :class:`~sentinel.model.columns.Kind`,
    always ``customer_id``, ``event_id`` and ``event_time`` among them; ``recorded_ms`` is int64[n],
    append times in milliseconds UTC, ascending, and ``reached_ms`` the append time of the last
    record, good or not.  ``texts`` are present if raw texts are needed, ``offsets`` int64[n] if
    they are asked for.  ``fresh`` bool[n] marks the events that were not collected for shared
    entities before; None: none was.  ``contents`` uint64[n] distinguishes events with one id, see
    :mod:`.content`.  ``postponed`` is how many records' timestamps were more than ten minutes after
    their append times, ``missing`` of how many events a field's value named nothing, by field.
    """

    stream: Stream
    events: Sequence[Event] = ()
    columns: dict[str, Array] = field(default_factory=dict)
    recorded_ms: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    dead_letters: list[DeadLetter] = field(default_factory=list)
    texts: Texts | None = None
    reached_ms: int = NEVER
    offsets: NDArray[np.int64] | None = None
    fresh: NDArray[np.bool_] | None = None
    contents: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    postponed: int = 0
    missing: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.recorded_ms)

    def only(self, wanted: NDArray[np.bool_]) -> "Decoded":
        """The events where ``wanted``, bool[n]; all dead letters."""
        if wanted.all():
            return self
        events = ChosenEvents(self.events, np.flatnonzero(wanted).tolist())
        columns = {name: column[wanted] for name, column in self.columns.items()}
        texts = self.texts and self.texts.only(wanted)
        offsets = None if self.offsets is None else self.offsets[wanted]
        fresh = None if self.fresh is None else self.fresh[wanted]
        return Decoded(
            self.stream,
            events,
            columns,
            self.recorded_ms[wanted],
            self.dead_letters,
            texts,
            self.reached_ms,
            offsets,
            fresh,
            self.contents[wanted],
        )

    def renamed(self, which: NDArray[np.bool_], hasher: Hasher) -> "Decoded":
        """The same events; those where ``which``, bool[n], have ids that name their content, too.

        They came under ids of others: ``E1`` becomes ``E1~0f3a97c2``, for alerts and verdicts.
        """
        rows = np.flatnonzero(which).tolist()
        if not rows:
            return self
        ids = {row: f"{self.events[row].event_id}~{self.contents[row] >> 32:08x}" for row in rows}
        column = self.columns["event_id"].copy()
        column[rows] = hasher.texts(list(ids.values()))
        columns = {**self.columns, "event_id": column}
        return replace(self, events=RenamedEvents(self.events, ids), columns=columns)
