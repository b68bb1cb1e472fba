"""Compile before the first step."""

import msgspec
from msgspec.structs import fields

from sentinel.engine.configuration import Configuration
from sentinel.engine.engine import Engine
from sentinel.entities import records
from sentinel.model.columns import FIELDS, Kind
from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.model.response import Control
from sentinel.model.step import Chunk, Step

_AT_MS = 1_600_000_000_000
_EXAMPLES = {Kind.TIME: _AT_MS, Kind.STRING: "w", Kind.NUMBER: 1, Kind.TRUTH: True}
_ADDRESS = "ip"


def _record(stream: Stream) -> bytes:
    """The smallest event of a stream, and an address where it has one."""
    columns = FIELDS[stream]
    required = [each.name for each in fields(EVENT_TYPES[stream]) if each.required]
    values = {
        name: columns[name].vocabulary[0]
        if columns[name].vocabulary
        else _EXAMPLES[columns[name].kind]
        for name in required
    }
    return msgspec.json.encode(values | ({_ADDRESS: "2001:db8::1"} if _ADDRESS in columns else {}))


def warm_up(configuration: Configuration) -> None:
    """Compile every kernel, so that the first real step does not wait for the compiler."""
    engine = Engine(configuration)
    chunks = [
        Chunk(stream, "warm-up", 0, [0], [_AT_MS], [None], [_record(stream)]) for stream in Stream
    ]
    emitted = engine.process(Step(_AT_MS, chunks)).emitted
    rollups = [value for _, value in records(emitted.rollups, 0, 1, emitted.progress)]
    if rollups:
        chunk = Chunk(Control.ROLLUP, "warm-up", 0, [0], [_AT_MS], [None], [*rollups])
        engine.process(Step(_AT_MS, [chunk]))
