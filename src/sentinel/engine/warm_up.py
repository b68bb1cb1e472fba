"""Compile before the first step."""

from sentinel.engine.configuration import Configuration
from sentinel.engine.engine import Engine
from sentinel.entities import records
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.step import Chunk, Step

_AT_MS = 1_600_000_000_000
_VALUES = {
    Stream.TRANSACTION: (
        b'{"event_id":"w","event_time":1600000000000,"customer_id":"w","kind":"fee",'
        b'"direction":"debit","amount":1}'
    ),
    Stream.LOGIN: (
        b'{"event_id":"w","event_time":1600000000000,"customer_id":"w","kind":"login",'
        b'"success":true,"ip":"2001:db8::1"}'
    ),
    Stream.COMPLAINT: (
        b'{"event_id":"w","event_time":1600000000000,"customer_id":"w","complaint_id":"w",'
        b'"status":"received","channel":"app"}'
    ),
}


def warm_up(configuration: Configuration) -> None:
    """Compile every kernel, so that the first real step does not wait for the compiler."""
    engine = Engine(configuration)
    chunks = [
        Chunk(stream, "warm-up", 0, [0], [_AT_MS], [None], [value])
        for stream, value in _VALUES.items()
    ]
    emitted = engine.process(Step(_AT_MS, chunks)).emitted
    rollups = [value for _, value in records(emitted.rollups, 0, 1, emitted.progress)]
    if rollups:
        chunk = Chunk(Control.ROLLUP, "warm-up", 0, [0], [_AT_MS], [None], [*rollups])
        engine.process(Step(_AT_MS, [chunk]))
