"""Ids through the engine: one under two events hides neither, and a key is for its own state."""

import msgspec
import pytest

from sentinel.engine import Engine, Outcome
from sentinel.model.events import Stream
from sentinel.model.ids import Hasher
from sentinel.model.response import Control, Response, ResponseKind, Verdict
from sentinel.model.signal import Risk
from sentinel.model.step import Chunk, Step
from sentinel.settings import read_configuration

START_MS = 1_772_416_800_000
HOUR_MS = 3_600_000


def _payment(amount: float, hours: float = 0, **fields: object) -> bytes:
    event = {
        "event_id": "E",
        "event_time": START_MS + round(hours * HOUR_MS),
        "customer_id": "C",
        "kind": "transfer",
        "direction": "debit",
        "amount": amount,
        "status": "approved",
        "counterparty_id": "P",
        "counterparty_country": "KP",
    }
    return msgspec.json.encode({**event, **fields})


def _process(engine: Engine, first: int, *values: bytes) -> Outcome:
    times = [msgspec.json.decode(value)["event_time"] for value in values]
    offsets = list(range(first, first + len(values)))
    chunk = Chunk(Stream.TRANSACTION, "t", 0, offsets, times, [None] * len(values), [*values])
    return engine.process(Step(max(times), [chunk]))


def test_a_large_payment_is_not_hidden_by_a_small_one_of_its_id() -> None:
    """It is processed and counted; its alert names an id of its own, and it repeats once only."""
    engine = Engine(read_configuration(None))
    small = _process(engine, 0, _payment(1.0, counterparty_country="CN"))
    assert (small.emitted.alerts, small.counts.conflicts[Stream.TRANSACTION]) == ([], 0)
    large = _process(engine, 1, _payment(9_000_000.0, 1))
    assert (
        large.counts.conflicts[Stream.TRANSACTION],
        large.counts.repeated[Stream.TRANSACTION],
    ) == (1, 0)
    assert large.emitted.alerts
    assert {alert.trigger.event_id[:2] for alert in large.emitted.alerts} == {"E~"}
    again = _process(engine, 2, _payment(9_000_000.0, 1))
    assert (
        again.counts.conflicts[Stream.TRANSACTION],
        again.counts.repeated[Stream.TRANSACTION],
    ) == (0, 1)
    assert again.emitted.alerts == []


def test_a_verdict_on_an_event_does_not_hold_for_another_under_its_id() -> None:
    """What was judged false does not excuse what comes after it, nor is that the same alert."""
    engine = Engine(read_configuration(None))
    outcome = _process(engine, 0, _payment(60_000.0))
    judged = next(each for each in outcome.emitted.alerts if each.risk is Risk.LEGAL)
    at_ms = START_MS + HOUR_MS
    response = Response(
        response_id="R",
        event_time=at_ms,
        key=judged.key,
        alert_id=judged.alert_id,
        kind=ResponseKind.DISPOSITION,
        actor="li.wei",
        verdict=Verdict.FALSE_POSITIVE,
    )
    values = [msgspec.json.encode(response)]
    engine.process(Step(at_ms, [Chunk(Control.RESPONSE, "r", 0, [0], [at_ms], [None], [*values])]))
    other = _process(engine, 1, _payment(9_000_000.0, 2))
    opened = [each for each in other.emitted.alerts if each.risk is Risk.LEGAL]
    assert opened
    assert judged.alert_id not in {each.alert_id for each in opened}


def test_state_of_before_or_of_another_deployment_is_refused() -> None:
    """Its hashes mean nothing under this key; the error says so."""
    configuration = read_configuration(None)
    parts = Engine(configuration).snapshot()
    other = Engine(configuration.keyed(Hasher(b"sixteen bytes ok")))
    for old in (parts, {name: part for name, part in parts.items() if name != "key"}):
        with pytest.raises(ValueError, match="under another key, or before there were keys"):
            other.restore(old)
    Engine(configuration).restore(parts)
