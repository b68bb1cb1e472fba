"""A bank's day through the engine, twice: alone, and with hostile records in between."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import msgspec
from tests.abuse.hostile import MAKERS, Source, hostile

from sentinel.alerting.cloudevent import encode
from sentinel.engine import Configuration, Engine, Outcome
from sentinel.entities import records
from sentinel.model.alert import Alert
from sentinel.model.events import Stream
from sentinel.model.response import Control, Response, ResponseKind
from sentinel.model.step import Chunk, Step
from sentinel.simulate.simulation import Simulation, time_ms

START_MS = 1_772_416_800_000
_STEP_EVENTS = 200
_ANSWERED = 3  # every so many alerts is acknowledged
_OUTSIDE = (*Stream, Control.RESPONSE, Control.SILENCE)
_Record = tuple[int, bytes | None]
"""Append time (ms UTC) and value."""


@dataclass
class Run:
    """What came of it: alerts in their bytes, records put aside by source.

    ``step_s`` is the processor time of each step that takes events; those of rollups are others.
    """

    alerts: list[bytes] = field(default_factory=list)
    fed: Counter[Source] = field(default_factory=Counter)
    dead_lettered: Counter[str] = field(default_factory=Counter)
    step_s: list[float] = field(default_factory=list)

    @property
    def slowest(self) -> float:
        """The slowest step as a multiple of the median one; the first ones are left out."""
        times = sorted(self.step_s[len(self.step_s) // 10 :])
        return times[-1] / times[len(times) // 2]


class Abuse:
    """``hostile_records`` for each source, spread evenly over the steps of a bank's life."""

    def __init__(self, configuration: Configuration, seed: int, steps: int) -> None:
        self._configuration, self._seed = configuration, seed
        life = Simulation(
            customers=120,
            seed=seed,
            start_ms=START_MS,
            days=30,
            history_days=2,
            attacks_per_day=60,
        )
        events = [
            (stream, time_ms(event), msgspec.json.encode(event))
            for stream, event, _ in islice(life, steps * _STEP_EVENTS)
        ]
        self._steps = [events[at : at + _STEP_EVENTS] for at in range(0, len(events), _STEP_EVENTS)]

    def play(self, hostile_records: int) -> Run:
        """Feed all steps to a new engine."""
        engine, run, mill = Engine(self._configuration), Run(), _Mill(self._seed, hostile_records)
        mill.steps = len(self._steps)
        entity_risks: list[bytes] = []
        responses: list[bytes] = []
        for events in self._steps:
            now_ms = events[-1][1]
            told: dict[Source, list[_Record]] = {source: [] for source in _OUTSIDE}
            for stream, at_ms, value in events:
                told[stream].append((at_ms, value))
            told[Control.RESPONSE] = [(now_ms, value) for value in responses]
            told[Control.ENTITY_RISK] = [(-1, value) for value in entity_risks]
            outcome = self._step(engine, run, mill, told, now_ms)
            rollups = records(
                outcome.emitted.rollups, 0, 1, outcome.emitted.progress, tells_all=True
            )
            told = {Control.ROLLUP: [(-1, value) for _, value in rollups]}
            applied = self._step(engine, run, mill, told, now_ms)
            entity_risks = [msgspec.json.encode(entry) for entry in applied.emitted.entity_risks]
            opened = [each for each in outcome.emitted.alerts if each.revision == 1]
            responses = [_answer(each, now_ms) for each in opened[::_ANSWERED]]
        return run

    @staticmethod
    def _step(
        engine: Engine, run: Run, mill: "_Mill", told: Mapping[Source, list[_Record]], now_ms: int
    ) -> Outcome:
        chunks = [
            chunk
            for source, good in told.items()
            if (chunk := mill.chunk(source, good, now_ms)).offsets
        ]
        started = time.process_time()
        outcome = engine.process(Step(now_ms, chunks))
        if Control.ROLLUP not in told:
            run.step_s.append(time.process_time() - started)
        run.alerts += [encode(alert) for alert in outcome.emitted.alerts]
        run.fed += Counter({chunk.stream: len(chunk.offsets) for chunk in chunks})
        run.dead_lettered += Counter(letter.topic for letter in outcome.emitted.dead_letters)
        return outcome


class _Mill:
    """Makes chunks of good records with hostile ones at random places between them."""

    def __init__(self, seed: int, count: int) -> None:
        self.steps = 1
        self._draw, self._count = random.Random(seed), count
        self._offsets: Counter[Source] = Counter()
        self._seen: dict[Source, list[bytes]] = {source: [] for source in MAKERS}

    def chunk(self, source: Source, good: Sequence[_Record], now_ms: int) -> Chunk:
        """The next records of a source."""
        seen = self._seen[source]
        seen.extend(value for _, value in good[:4] if value)
        del seen[:-200]
        mixed = list(good)
        for value in islice(self._hostile(source, now_ms), -(-self._count // self.steps)):
            at = self._draw.randrange(len(mixed) + 1)
            at_ms = mixed[min(at, len(mixed) - 1)][0] if mixed else now_ms
            mixed.insert(at, (at_ms, value))
        n, first = len(mixed), self._offsets[source]
        self._offsets[source] += n
        times = [at_ms for at_ms, _ in mixed]
        values = [value for _, value in mixed]
        offsets = list(range(first, first + n))
        return Chunk(source, source.value, 0, offsets, times, [None] * n, values)

    def _hostile(self, source: Source, now_ms: int) -> Iterator[bytes | None]:
        return hostile(source, self._draw, self._seen[source], now_ms)


def _answer(alert: Alert, now_ms: int) -> bytes:
    response = Response(
        response_id=alert.alert_id,
        event_time=now_ms,
        key=alert.key,
        alert_id=alert.alert_id,
        kind=ResponseKind.ACKNOWLEDGE,
        actor="li.wei",
    )
    return msgspec.json.encode(response)
