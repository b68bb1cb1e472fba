"""Shared entities in one process: what a step tells their owners goes straight to the engine.

Live, rollups and hot entries travel by Kafka to the shard that owns the entity and back to
all.  Where one engine sees everything, it owns everything, and the way is a step long.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import fields

import msgspec

from sentinel.engine import Engine
from sentinel.entities import PANE_MS, records
from sentinel.model.response import Control
from sentinel.model.step import Chunk, Outcome, Step

_GAUGES = frozenset({"watermarks_ms", "slots_used", "entities_used", "open_alerts"})
_GAUGES |= {"progress", "tells_all", "rollups_waiting"}
_GAUGES |= {"open_complaints", "topics", "verdicts", "warm_share"}


class LoopBack:
    """An engine that owns all shared entities.

    The rollups of a step are taken in at its end, with the alerts that they lead to; the hot
    entries that come of them are there for customers' rules from the next step on.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._hot: list[bytes] = []
        self._sent = dict.fromkeys((Control.ROLLUP, Control.HOT), 0)

    def process(self, step: Step) -> Outcome:
        """Take one step, and then what it tells the owners."""
        hot, self._hot = self._hot, []
        chunks = [*step.chunks, self._chunk(Control.HOT, hot)] if hot else step.chunks
        outcome = self.engine.process(Step(step.stream_ms, chunks, step.wall_ms))
        told = [
            value for _, value in records(outcome.rollups, 0, 1, outcome.progress, tells_all=True)
        ]
        if self.engine.has_shared_entities:
            chunks = [self._chunk(Control.ROLLUP, told)]
            answer = self.engine.process(Step(step.stream_ms, chunks, step.wall_ms))
            self._hot = [msgspec.json.encode(entry) for entry in answer.hot]
            _join(outcome, answer)
        return outcome

    def _chunk(self, control: Control, values: list[bytes]) -> Chunk:
        n, first = len(values), self._sent[control]
        self._sent[control] += n
        offsets = list(range(first, first + n))
        return Chunk(control, control.value, 0, offsets, [-1] * n, [None] * n, [*values])


def by_pane(step: Step) -> Iterator[Step]:
    """The step cut where live ones would be at the latest, for records in order of their times."""
    moments = {moment for chunk in step.chunks for moment in chunk.recorded_ms}
    if not moments:
        yield step
    for pane in sorted({moment // PANE_MS for moment in moments}):
        chunks = [part for chunk in step.chunks if (part := _within(chunk, pane)).offsets]
        yield Step(max(each.recorded_ms[-1] for each in chunks), chunks)


def _within(chunk: Chunk, pane: int) -> Chunk:
    first = bisect_left(chunk.recorded_ms, pane * PANE_MS)
    end = bisect_left(chunk.recorded_ms, (pane + 1) * PANE_MS)
    return Chunk(
        chunk.stream,
        chunk.topic,
        chunk.partition,
        chunk.offsets[first:end],
        chunk.recorded_ms[first:end],
        chunk.keys[first:end],
        chunk.values[first:end],
    )


def _join(outcome: Outcome, answer: Outcome) -> None:
    """Add what the owner's step came to."""
    for each in fields(Outcome):
        later = getattr(answer, each.name)
        if each.name in _GAUGES:
            setattr(outcome, each.name, later)
        elif each.name != "rollups":
            setattr(outcome, each.name, getattr(outcome, each.name) + later)
