"""Rollups wait for shards that are behind, and are applied in one order of append time."""

import numpy as np
import pytest

from sentinel.entities import RollupBuffer, rollup_buffer
from sentinel.entities.layout import PARTS, RECORDED, TICK_MS
from sentinel.entities.rows import RollupRows
from sentinel.entities.shard_reports import EVERYTHING, GIVE_UP_MS, LONGEST_WAIT_MS
from sentinel.entities.wire import Rollup
from sentinel.model.entity import EntityKind
from sentinel.model.rollup import Progress
from sentinel.model.step import Limit

NOW = 10_000_000
Arrived = list[tuple[Rollup, list[RollupRows]]]


def _told(source: int, times: list[int], progress: Progress, kind: str = "ip") -> Arrived:
    """Rows of these seconds of append time, named after them, from one of two shards."""
    rows = np.zeros((len(times), PARTS), np.int64)
    rows[:, RECORDED] = np.array(times) * TICK_MS
    names = [f"{source}@{time}".encode() for time in times]
    ends = np.cumsum([len(name) for name in names], dtype=np.int64)
    parts = [RollupRows(EntityKind(kind), b"v", rows, ends, b"".join(names))] if times else []
    return [(Rollup(source, 2, progress, []), parts)]


def _names(parts: list[RollupRows]) -> list[str]:
    found = []
    for part in parts:
        starts = [0, *part.ends.tolist()]
        found += [part.text[s:e].decode() for s, e in zip(starts, part.ends, strict=False)]
    return found


def _behind(tick: int) -> Progress:
    """Behind, and past the end of a second."""
    return Progress((tick + 1) * TICK_MS - 1, is_behind=True, was_behind=True)


def test_nothing_waits_while_nobody_is_behind() -> None:
    """Rows pass as they come, whatever their order."""
    buffer = RollupBuffer()
    passed = buffer.process(_told(0, [30, 10], Progress(NOW)), NOW, late=False)
    assert _names(passed) == ["0@30", "0@10"]
    assert (buffer.outage_ms, buffer.horizon_ms(NOW)) == (None, EVERYTHING)


def test_rows_are_applied_when_every_shard_has_passed_them() -> None:
    """Of both shards in one order; the rest waits on, and a snapshot keeps it."""
    buffer = RollupBuffer()
    assert buffer.process(_told(0, [10, 30, 50], _behind(50)), NOW, late=False) == []
    assert buffer.outage_ms == NOW
    passed = buffer.process(_told(1, [20, 40], _behind(40)), NOW + 1, late=False)
    assert _names(passed) == ["0@10", "1@20", "0@30", "1@40"]
    assert (len(buffer), buffer.horizon_ms(NOW + 1)) == (1, 41 * TICK_MS - 1)
    other = RollupBuffer()
    other.restore(buffer.snapshot())
    for each in (buffer, other):
        passed = each.process(_told(1, [45], Progress(NOW, was_behind=True)), NOW + 2, late=False)
        assert _names(passed) == ["1@45", "0@50"]
    assert other.snapshot() == buffer.snapshot()


def test_a_silent_shard_is_waited_for_in_an_outage_but_not_for_ever() -> None:
    """It may be behind, too; after a minute the others go on, and that is counted."""
    buffer = RollupBuffer()
    done = Progress(NOW, was_behind=True)
    assert buffer.process(_told(0, [10], done), NOW, late=True) == []
    assert not buffer.is_due(NOW + GIVE_UP_MS - 1)
    assert buffer.is_due(NOW + GIVE_UP_MS)
    assert _names(buffer.process([], NOW + GIVE_UP_MS, late=False)) == ["0@10"]
    assert buffer.limits == {Limit.ROLLUP_WAITS: 1}
    assert buffer.outage_ms is None


def test_a_long_outage_is_not_waited_for() -> None:
    """Live alerts on shared entities come late by a bounded time only."""
    buffer = RollupBuffer()
    buffer.process(_told(1, [], _behind(5)), NOW, late=False)
    late = NOW + LONGEST_WAIT_MS
    buffer.process(_told(1, [], _behind(6)), late - 1, late=False)
    assert buffer.process(_told(0, [10], Progress(late)), late - 1, late=False) == []
    assert _names(buffer.process([], late, late=False)) == ["0@10"]


def test_the_room_to_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room everything is applied, in order, and that is counted."""
    monkeypatch.setattr(rollup_buffer, "MOST_BYTES", 100)
    buffer = RollupBuffer()
    passed = buffer.process(_told(0, list(range(30, 10, -1)), _behind(30)), NOW, late=False)
    assert _names(passed) == [f"0@{time}" for time in range(11, 31)]
    assert buffer.limits == {Limit.ROLLUP_BUFFER: 1}


def test_kinds_stay_apart() -> None:
    """Rows of different kinds have different widths; each kind is put in order by itself."""
    buffer = RollupBuffer()
    buffer.process(_told(0, [10, 30], _behind(50)), NOW, late=False)
    buffer.process(_told(0, [15], _behind(50), kind="device"), NOW, late=False)
    passed = buffer.process(_told(1, [20], _behind(60)), NOW, late=False)
    assert [(part.kind, _names([part])) for part in passed] == [
        (EntityKind.IP, ["0@10", "1@20", "0@30"]),
        (EntityKind.DEVICE, ["0@15"]),
    ]


def test_a_simulation_never_waits() -> None:
    """Without a wall clock rows pass, and the horizon is what was told."""
    buffer = RollupBuffer()
    assert _names(buffer.process(_told(0, [10], _behind(50)), None, late=True)) == ["0@10"]
    assert buffer.horizon_ms(None) == 51 * TICK_MS - 1
