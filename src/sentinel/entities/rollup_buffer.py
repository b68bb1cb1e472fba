"""At the owner: rollups of shards that are behind are put in order before they are applied.

After an outage every shard catches up at its own pace.  Windows of a shared entity are right
only if the rows of all shards are applied in one order of append time, so rows wait here until
every shard that is behind has passed them.  While no shard is behind, nothing waits.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.entities.layout import RECORDED, TICK_MS
from sentinel.entities.rows import RollupRows, in_order, joined
from sentinel.entities.shard_reports import EVERYTHING, ShardReports
from sentinel.entities.wire import Rollup
from sentinel.model.stage import WHOLE_STATE, Buffer, Parts
from sentinel.model.step import Limit

MOST_BYTES = 128 << 20
"""At most so much waits."""


class RollupBuffer:
    """The rollup rows that wait, and the reported progress of every shard.

    ``outage_ms`` is the wall-clock time since when some shard is known to be behind.
    """

    def __init__(self) -> None:
        self.outage_ms: int | None = None
        self._buffered: list[RollupRows] = []
        self._reports = ShardReports()
        self.limits: Counter[Limit] = Counter()

    def process(
        self, arrived: Sequence[tuple[Rollup, list[RollupRows]]], wall_ms: int | None, *, late: bool
    ) -> list[RollupRows]:
        """Add rows; returns those to apply now, in order.

        ``wall_ms`` is None in a simulation, where no shard is ever behind.  ``late``: this
        shard has just read old records.
        """
        for rollup, _ in arrived:
            if rollup.progress is not None:
                reached_ms, is_behind = rollup.progress.stream_ms, rollup.progress.is_behind
                self._reports.note(
                    rollup.source, rollup.sources, reached_ms, wall_ms or 0, is_behind=is_behind
                )
        rows = [each for _, parts in arrived for each in parts]
        if wall_ms is None:
            return [joined(each, in_order(_all(each))) for each in _by_layout(rows)]
        late = late or any(each.progress and each.progress.was_behind for each, _ in arrived)
        self._judge(wall_ms, late=late)
        if self.outage_ms is None and not self._buffered:
            return rows
        self._buffered += rows
        return self._release(self.horizon_ms(wall_ms))

    def horizon_ms(self, wall_ms: int | None) -> int:
        """The append time that every awaited shard has passed."""
        if wall_ms is None:
            return self._reports.slowest_ms()
        waited_for = self._reports.waited_for(self.outage_ms, wall_ms)
        return min(waited_for.values(), default=EVERYTHING)

    def is_due(self, wall_ms: int) -> bool:
        """Whether a step at this wall-clock time would release rows."""
        return bool(self._buffered) and _last_tick(self.horizon_ms(wall_ms)) > min(
            int(each.rows[:, RECORDED].min()) for each in self._buffered
        )

    def __len__(self) -> int:
        """How many rows wait."""
        return sum(len(each.rows) for each in self._buffered)

    def spot(self) -> bytes:
        """How many rows wait, and the reports."""
        return msgspec.msgpack.encode((len(self), self._reports.snapshot(), self.outage_ms))

    def carry(self, old: "RollupBuffer") -> None:
        """Continue where ``old`` stands."""
        self.restore(old.snapshot())

    def snapshot(self) -> dict[str, Buffer]:
        """All rows that wait and all reports; equal state gives equal bytes."""
        rows = [each.encoded() for each in self._buffered]
        return {
            WHOLE_STATE: msgspec.msgpack.encode((rows, self._reports.snapshot(), self.outage_ms))
        }

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave."""
        kind = tuple[list[tuple[str, bytes, int, bytes, bytes, bytes]], bytes, int | None]
        rows, reports, self.outage_ms = msgspec.msgpack.decode(bytes(parts[WHOLE_STATE]), type=kind)
        self._buffered = [RollupRows.decoded(*each) for each in rows]
        self._reports.restore(reports)

    def _judge(self, wall_ms: int, *, late: bool) -> None:
        """Note an outage when it becomes known; drop one that is over."""
        if late or self._reports.any_behind(wall_ms):
            self.outage_ms = self.outage_ms or wall_ms
        elif self.outage_ms and not self._reports.waited_for(self.outage_ms, wall_ms):
            silent = self._reports.silent(self.outage_ms)
            self.limits[Limit.ROLLUP_WAITS] += len(silent)
            self.outage_ms = None

    def _release(self, until_ms: int) -> list[RollupRows]:
        """The rows appended up to a time, of each kind in one order; all of them at capacity."""
        if sum(each.nbytes for each in self._buffered) > MOST_BYTES:
            self.limits[Limit.ROLLUP_BUFFER] += 1
            until_ms = EVERYTHING
        found: list[RollupRows] = []
        kept: list[RollupRows] = []
        for group in _by_layout(self._buffered):
            rows = _all(group)
            is_ready = rows[:, RECORDED] < _last_tick(until_ms)
            ready = np.flatnonzero(is_ready)
            if len(ready):
                found.append(joined(group, ready[in_order(rows[ready])]))
            if len(ready) == len(rows):
                continue
            kept += group if not len(ready) else [joined(group, np.flatnonzero(~is_ready))]
        self._buffered = kept
        return found


def _last_tick(until_ms: int) -> int:
    """The end of the last tick that is over at a time: a tick's rows are applied together."""
    return (until_ms + 1) // TICK_MS * TICK_MS


def _all(parts: Sequence[RollupRows]) -> NDArray[np.int64]:
    return np.concatenate([each.rows for each in parts])


def _by_layout(rows: Sequence[RollupRows]) -> list[list[RollupRows]]:
    """Rows of the same kind and measures together."""
    groups: dict[tuple[str, bytes], list[RollupRows]] = {}
    for each in rows:
        groups.setdefault((each.kind, each.version), []).append(each)
    return list(groups.values())
