"""The spot check of the journal: cheap, and no stage is out of its sight."""

from collections.abc import Iterator
from functools import cache
from itertools import groupby

import msgspec
import pytest
from tests.unit.test_engine_stages import STAGES

from sentinel.engine import Configuration, Engine
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.step import Chunk, Step
from sentinel.replay.loop import LoopBack
from sentinel.settings import read_configuration
from sentinel.simulate import Item, Simulation
from sentinel.simulate.simulation import time_ms

START_MS = 1_767_571_200_000
STEP_MS = 600_000
SEEN_ELSEWHERE = {
    "alarms": "a complaint's deadlines are days away",
    "rollups": "nobody is behind in a replay, so no row waits",
    "entity_risk_cache": "the risks of one process fade within minutes: too few to be there",
}
"""Stages that hold nothing at the end of this bank's day, and why."""


@cache
def _configuration() -> Configuration:
    return read_configuration(None)


@cache
def _steps() -> list[Step]:
    """A day of a bank with attacks and complaints, and labels on what happened an hour before."""
    simulation = Simulation(customers=60, start_ms=START_MS, seed=3, days=1, attacks_per_day=60)
    steps: list[Step] = []
    sent = dict.fromkeys((*Stream, Control.RESPONSE), 0)
    for number, items in groupby(simulation, key=lambda each: time_ms(each.event) // STEP_MS):
        records = list(_records(list(items)))
        chunks = []
        for source in sent:
            mine = [(at_ms, value) for stream, at_ms, value in records if stream is source]
            if mine:
                first, n = sent[source], len(mine)
                sent[source] += n
                offsets, times = list(range(first, first + n)), [at_ms for at_ms, _ in mine]
                values = [value for _, value in mine]
                chunks.append(Chunk(source, source, 0, offsets, times, [None] * n, [*values]))
        steps.append(Step((number + 1) * STEP_MS, chunks))
    return steps


def _records(items: list[Item]) -> Iterator[tuple[Stream | Control, int, bytes]]:
    for item in items:
        yield item.stream, time_ms(item.event), msgspec.json.encode(item.event)
    paid = next((each.event for each in items if each.stream is Stream.TRANSACTION), None)
    if paid is not None:
        label = {
            "kind": "label",
            "key": paid.customer_id,
            "actor": "test",
            "event_time": time_ms(items[-1].event),
            "verdict": "confirmed",
            "events": [["transaction", paid.event_id]],
        }
        yield Control.RESPONSE, time_ms(items[-1].event), msgspec.json.encode(label)


@cache
def _parts() -> dict[str, bytes]:
    """The snapshot before the day's last step."""
    engine = Engine(_configuration())
    loop = LoopBack(engine)
    for step in _steps()[:-1]:
        loop.process(step)
    return {name: bytes(part) for name, part in engine.snapshot().items()}


def _after_the_last_step(without: str = "") -> str:
    """The spot check of an engine from that snapshot, one stage left as it was made."""
    engine = Engine(_configuration())
    fresh = engine.snapshot()
    kept = {name: part for name, part in _parts().items() if not name.startswith(f"{without}.")}
    engine.restore({**fresh, **kept})
    LoopBack(engine).process(_steps()[-1])
    return engine.spot_digest()


def test_a_restored_engine_passes_every_spot_check() -> None:
    """Whenever the snapshot was made, each later step leaves what it left without a restart."""
    engine = Engine(_configuration())
    loop = LoopBack(engine)
    restored: list[LoopBack] = []
    for number, step in enumerate(_steps()):
        loop.process(step)
        for each in restored:
            each.process(step)
            assert each.engine.spot_digest() == engine.spot_digest(), number
        if number % 16 == 0:
            again = Engine(_configuration())
            again.restore(engine.snapshot())
            restored = [*restored[-1:], LoopBack(again)]


@pytest.mark.parametrize("name", [name for name in STAGES if name not in SEEN_ELSEWHERE])
def test_a_stage_that_is_not_restored_is_seen(name: str) -> None:
    """A snapshot that lacks one stage fails the check after the very next step."""
    assert _after_the_last_step(without=name) != _after_the_last_step()
