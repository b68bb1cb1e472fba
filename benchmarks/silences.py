"""What silences cost: the engine with a thousand of them beside the engine with none.

Half of the silences name an entity, half a rule and customers by an expression; steps are those of
a live shard.  None of them matches an alert: what is measured is that they are asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from statistics import median
from typing import Any

import msgspec

from benchmarks.configs import by_customer
from benchmarks.engine import events_per_s
from benchmarks.events import DAY_MS, events, steps
from benchmarks.side_by_side import apart, ratio, side_by_side
from benchmarks.size import Size
from sentinel.engine import Configuration, Engine
from sentinel.model.response import Control, Silence
from sentinel.model.step import Chunk

SILENCES = 1_000
_STEP_EVENTS = 500
_LENGTH_MS = 29 * DAY_MS


def measure(files: Mapping[str, str], size: Size, end_ms: int) -> dict[str, Any]:
    """``silences_cost``: the share of throughput that a thousand silences take, 0 to 1."""
    with (
        apart(_rounds, by_customer(files), size, end_ms, SILENCES) as silenced,
        apart(_rounds, by_customer(files), size, end_ms, 0) as alone,
    ):
        rates = side_by_side({"silenced": silenced, "alone": alone}, size.rounds)
    return {
        "silences_cost": 1 - ratio(rates, "silenced", "alone"),
        "details": {name: median(each) for name, each in rates.items()},
    }


def _rounds(files: Mapping[str, str], size: Size, end_ms: int, silences: int) -> Iterator[float]:
    engine = Engine(Configuration.parse(files))
    records = events(size.engine_events, customers=size.customers, end_ms=end_ms)
    ahead = steps(records, min(_STEP_EVENTS, size.step_events))
    a_round = size.steps * size.step_events // min(_STEP_EVENTS, size.step_events)
    first = next(ahead)
    outcome = engine.process(replace(first, chunks=[*first.chunks, *_silences(silences, end_ms)]))
    assert not outcome.emitted.dead_letters, "every silence is taken"
    while True:
        yield events_per_s(engine, list(islice(ahead, a_round)))


def _silences(count: int, end_ms: int) -> list[Chunk]:
    """As many silences as one chunk, in force all the time."""
    start_ms = end_ms - _LENGTH_MS + DAY_MS
    made = [
        Silence(
            silence_id=f"s{number}",
            matchers=(f'entity="X{number}"',)
            if number % 2
            else ('rule="legal.none"', f'entity=~"X{number}[0-9]+"'),
            starts_at=start_ms,
            ends_at=start_ms + _LENGTH_MS,
            created_by="li.wei",
            comment="a benchmark",
        )
        for number in range(count)
    ]
    values: list[bytes | None] = [msgspec.json.encode(each) for each in made]
    n = len(values)
    chunk = Chunk(
        Control.SILENCE, "silences", 0, list(range(n)), [start_ms] * n, [None] * n, values
    )
    return [chunk] if made else []
