"""At the owner: rollups of shards that are behind are put in order before they are applied.

After an outage every shard catches up at its own pace.  Windows of a shared entity are right
only if the rows of all shards are applied in one order of append time, so rows wait here until
every shard that is behind has passed them.  While nobody is behind nothing waits.  (A watermark
per source with idleness, as in Akidau et al., "The Dataflow Model", VLDB 8(12), 2015.)
"""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sentinel.entities.layout import RECORDED
from sentinel.entities.rows import RollupRows, joined
from sentinel.entities.wire import Rollup
from sentinel.model.rollup import Progress
from sentinel.model.step import Limit
from sentinel.state import Buffer

GIVE_UP_MS = 60_000
"""A shard that is behind and tells nothing for so long is not waited for."""
MOST_BYTES = 64 << 20
"""So much waits at most; half of it keeps the other shards from getting further ahead."""

_EVERYTHING = 2**62
_NOTHING = -(2**62)


class _Report(Struct, array_like=True):
    """What a shard told last: how far it was, and the wall-clock time at which it was heard."""

    stream_ms: int
    is_behind: bool
    heard_ms: int


class RollupBuffer:
    """The rollup rows that wait, and how far every shard has told to be.

    ``outage_ms`` is the wall-clock time since when some shard is known to be behind: a shard
    that has told nothing since may be behind, too.
    """

    def __init__(self) -> None:
        self._held: list[RollupRows] = []
        self._reports: dict[int, _Report] = {}
        self._sources = 0
        self._outage_ms: int | None = None
        self._given_up = False
        self._limits: Counter[Limit] = Counter()

    def process(
        self, arrived: Sequence[tuple[Rollup, list[RollupRows]]], wall_ms: int | None, *, late: bool
    ) -> tuple[list[RollupRows], bool]:
        """Take rows in; returns those to apply now, in order, and whether an outage began.

        ``wall_ms`` is None in a simulation, where nobody is ever behind.  ``late`` tells that
        this shard has just processed records of long ago.
        """
        for rollup, _ in arrived:
            self._sources = rollup.sources
            if rollup.progress is not None:
                self._note(rollup.source, rollup.progress, wall_ms)
        rows = [each for _, parts in arrived for each in parts]
        if wall_ms is None:
            return rows, False
        late = late or any(each.progress and each.progress.was_behind for each, _ in arrived)
        began = self._judge(wall_ms, late=late)
        if self._outage_ms is None and not self._held:
            return rows, began
        self._held += rows
        return self._release(self.horizon_ms(wall_ms)), began

    def horizon_ms(self, wall_ms: int | None) -> int:
        """The append time that every shard which is waited for has passed."""
        if wall_ms is None:
            told = [each.stream_ms for each in self._reports.values()]
            return min(told, default=_EVERYTHING)
        return min(self._waited_for(wall_ms).values(), default=_EVERYTHING)

    def bound_ms(self, shard: int, wall_ms: int) -> int | None:
        """The append time beyond which ``shard`` should not read yet; None: no bound.

        There is one while half of the room is taken: that of the slowest of the others.
        """
        if sum(each.nbytes for each in self._held) < MOST_BYTES // 2:
            return None
        others = [at for each, at in self._waited_for(wall_ms).items() if each != shard]
        return min(others, default=None)

    def is_due(self, wall_ms: int) -> bool:
        """Whether rows that wait would be released, had a step this wall-clock time."""
        return bool(self._held) and self.horizon_ms(wall_ms) >= min(
            int(each.rows[:, RECORDED].min()) for each in self._held
        )

    def __len__(self) -> int:
        """How many rows wait."""
        return sum(len(each.rows) for each in self._held)

    def drain_limits(self) -> Counter[Limit]:
        """The bounds that were reached since the last call."""
        limits, self._limits = self._limits, Counter()
        return limits

    def carry(self, old: "RollupBuffer") -> None:
        """Continue where ``old`` stands."""
        self.restore(old.snapshot())

    def snapshot(self) -> Buffer:
        """All that waits and all that was told; equal state gives equal bytes."""
        held = [each.encoded() for each in self._held]
        reports = sorted(self._reports.items())
        return msgspec.msgpack.encode(
            (held, reports, self._sources, self._outage_ms, self._given_up)
        )

    def restore(self, data: Buffer) -> None:
        """Continue from what :meth:`snapshot` gave."""
        kind = tuple[
            list[tuple[str, bytes, int, bytes, bytes, bytes]],
            list[tuple[int, _Report]],
            int,
            int | None,
            bool,
        ]
        held, reports, self._sources, self._outage_ms, self._given_up = msgspec.msgpack.decode(
            bytes(data), type=kind
        )
        self._held = [RollupRows.decoded(*each) for each in held]
        self._reports = dict(reports)

    def _note(self, source: int, progress: Progress, wall_ms: int | None) -> None:
        before = self._reports.get(source)
        reached = max(progress.stream_ms, before.stream_ms if before else _NOTHING)
        self._reports[source] = _Report(reached, progress.is_behind, wall_ms or 0)

    def _judge(self, wall_ms: int, *, late: bool) -> bool:
        """Whether an outage becomes known; one that is over is forgotten."""
        behind = any(
            each.is_behind and wall_ms - each.heard_ms < GIVE_UP_MS
            for each in self._reports.values()
        )
        if late or behind:
            began, self._outage_ms = self._outage_ms is None, self._outage_ms or wall_ms
            return began
        if self._outage_ms is not None and not self._waited_for(wall_ms):
            silent = self._silent(self._outage_ms)
            self._limits[Limit.ROLLUP_WAITS] += len(silent)
            self._outage_ms = None
        return False

    def _silent(self, since_ms: int) -> list[int]:
        """The shards that have told nothing since a wall-clock time."""
        reports = self._reports
        return [
            each
            for each in range(self._sources)
            if each not in reports or reports[each].heard_ms < since_ms
        ]

    def _waited_for(self, wall_ms: int) -> dict[int, int]:
        """How far each shard has told to be that others wait for."""
        found = {
            source: each.stream_ms
            for source, each in self._reports.items()
            if each.is_behind and wall_ms - each.heard_ms < GIVE_UP_MS
        }
        if self._outage_ms is not None and wall_ms - self._outage_ms < GIVE_UP_MS:
            for source in self._silent(self._outage_ms):
                known = self._reports.get(source)
                found[source] = known.stream_ms if known else _NOTHING
        return found

    def _release(self, until_ms: int) -> list[RollupRows]:
        """The rows appended up to a time, of each kind in one order; and all beyond the bound."""
        if sum(each.nbytes for each in self._held) > MOST_BYTES:
            self._limits[Limit.ROLLUP_BUFFER] += 1
            until_ms = _EVERYTHING
        found: list[RollupRows] = []
        kept: list[RollupRows] = []
        for group in _by_layout(self._held):
            times: NDArray[np.int64] = np.concatenate([each.rows[:, RECORDED] for each in group])
            ready = np.flatnonzero(times <= until_ms)
            if len(ready):
                found.append(joined(group, ready[np.argsort(times[ready], kind="stable")]))
            if len(ready) == len(times):
                continue
            kept += group if not len(ready) else [joined(group, np.flatnonzero(times > until_ms))]
        self._held = kept
        return found


def _by_layout(rows: Sequence[RollupRows]) -> list[list[RollupRows]]:
    """Rows of the same kind and measures together."""
    groups: dict[tuple[str, bytes], list[RollupRows]] = {}
    for each in rows:
        groups.setdefault((each.kind, each.version), []).append(each)
    return list(groups.values())
