"""The engine: any cutting of the input into steps gives byte-identical output and state."""

from collections.abc import Iterable
from functools import cache
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.stage import lively

from sentinel.alerting.cloudevent import encode, encode_response_outcome
from sentinel.engine import Configuration, Engine
from sentinel.ingest import Watermarks, decode, merge
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.step import Chunk, Step
from sentinel.settings import read_configuration

Record = tuple[Stream | Control, int, bytes | None]


@cache
def _configuration() -> Configuration:
    return read_configuration(None)


def _chunks(records: list[Record]) -> list[Chunk]:
    return [
        Chunk(
            stream,
            f"t.{stream}",
            0,
            [offset for _, offset, _ in mine],
            [-1] * len(mine),
            [None] * len(mine),
            [value for _, _, value in mine],
        )
        for stream in (*Stream, Control.RESPONSE)
        if (mine := [record for record in records if record[0] is stream])
    ]


def _merged(seed: int, disorder: int) -> tuple[list[Record], list[int]]:
    """Records in merged order, some late, some bad, with the times by which they stand."""
    raw = lively(700, seed, customers=6)
    order = sorted(range(len(raw)), key=lambda index: index + (index * 7919 % 100 < 15) * disorder)
    offsets = dict.fromkeys(Stream, 0)
    records: list[Record] = []
    for index in order:
        stream, _, value = raw[index]
        records.append((stream, offsets[stream], value))
        offsets[stream] += 1
    limits = _configuration().bounds.ingest
    batch = merge(
        {
            of: decode(of, [chunk], limits, frozenset())
            for chunk in _chunks(records)
            if isinstance(of := chunk.stream, Stream)
        },
        Watermarks(),
        0,
    )
    by_stream = {s: [record for record in records if record[0] is s] for s in Stream}
    streams = tuple(Stream)
    merged = [by_stream[streams[s]][row] for s, row in zip(batch.stream, batch.row, strict=True)]
    return merged, batch.order.tolist()


def _answered(records: list[Record], order: list[int]) -> list[Record]:
    """The records with answers to some of their alerts in between, where a step would see them."""
    engine = Engine(_configuration())
    ids = [alert.alert_id for alert in engine.process(Step(0, _chunks(records))).emitted.alerts]
    paid = [value for stream, _, value in records if stream is Stream.TRANSACTION]
    gaps = [index + 1 for index, (at, then) in enumerate(pairwise(order)) if at < then]
    answered = list(records)
    for number, index in enumerate(reversed(gaps[5::9])):
        kind = ("acknowledge", "disposition", "retract", "label")[number % 4]
        event = msgspec.json.decode(paid[number * 7 % len(paid)] or b"")["event_id"]
        event_id = event if kind == "label" else "none"
        value = (
            f'{{"response_id":"r","event_time":{order[index - 1]},"key":"k","kind":"{kind}",'
            f'"alert_id":"{ids[number % len(ids)]}","actor":"a","verdict":"false_positive",'
            f'"event_id":"{event_id}"}}'
        )
        answered.insert(index, (Control.RESPONSE, 10_000 - number, value.encode()))
    assert len(answered) > len(records) + 5
    return answered


def _output(engine: Engine, steps: Iterable[list[Record]]) -> tuple[list[bytes], list[bytes]]:
    """The alerts and the outcomes of responses that these steps come to."""
    alerts, outcomes = list[bytes](), list[bytes]()
    for records in steps:
        emitted = engine.process(Step(0, _chunks(records))).emitted
        alerts += map(encode, emitted.alerts)
        outcomes += map(encode_response_outcome, emitted.response_outcomes)
    return alerts, outcomes


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 3), st.sampled_from([0, 3, 40]), st.data())
def test_cut_anywhere(seed: int, disorder: int, data: st.DataObject) -> None:
    """One step or many, with late events, three streams and answers: the same bytes and digest."""
    records = _answered(*_merged(seed, disorder))
    whole, engine = Engine(_configuration()), Engine(_configuration())
    expected = _output(whole, [records])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=12)))
    steps = [records[start:end] for start, end in pairwise([0, *cuts, len(records)])]
    assert _output(engine, steps) == expected
    assert engine.digest() == whole.digest()
    assert all(len(each) > 5 for each in expected)


def test_one_event_a_step() -> None:
    """The finest cut of all."""
    records = _answered(*_merged(seed=9, disorder=3))[:300]
    whole, single = Engine(_configuration()), Engine(_configuration())
    expected = _output(whole, [records])
    assert _output(single, ([record] for record in records)) == expected
    assert single.digest() == whole.digest()


def test_a_restored_engine_goes_on_as_if_nothing_happened() -> None:
    """Snapshot, restore into a fresh engine, continue: the uninterrupted output."""
    records = _answered(*_merged(seed=5, disorder=40))
    whole = Engine(_configuration())
    alerts, outcomes = _output(whole, [records])
    first, second = Engine(_configuration()), Engine(_configuration())
    alerts_before, outcomes_before = _output(first, [records[:400]])
    second.restore(first.snapshot())
    alerts_after, outcomes_after = _output(second, [records[400:]])
    assert alerts_before + alerts_after == alerts
    assert outcomes_before + outcomes_after == outcomes
    assert second.digest() == whole.digest()
