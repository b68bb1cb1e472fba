"""Records that must change nothing: of every topic that a worker reads, seeded.

Each is refused by an oracle of its own, msgspec's plain decoder, or asks for what cannot be: so
the good records' alerts must not know of it.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from sentinel.entities.wire import Part, Rollup
from sentinel.model.entity import EntityKind
from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.model.response import Control, Response, Silence
from sentinel.model.rollup import EntityRisk, EntityRiskProgress

Source = Stream | Control
Make = Callable[[random.Random, bytes, int], bytes | None]
"""Makes a record of a good one (or of an empty text) and the time (ms UTC)."""

_KINDS: Mapping[Source, tuple[type, ...]] = {
    **{stream: (kind,) for stream, kind in EVENT_TYPES.items()},
    Control.RESPONSE: (Response,),
    Control.SILENCE: (Silence,),
    Control.ENTITY_RISK: (EntityRisk, EntityRiskProgress),
}
_WORDS = [
    *("null", "true", "[]", "{}", '""', "-1", "1e400", "-0", "NaN", "Infinity", "1" * 400),
    *(str(2**63), str(-(2**63) - 1), "0.1e-400", '"\\u0000"', '"\\ud800"', '"' + "x" * 3_000 + '"'),
    *('"=cmd()"', '"\\u001b[2J"', '"2099-12-31T23:59:59Z"', '"0000-01-01"', '"\\u202e"'),
]


def garbage(draw: random.Random, _: bytes, __: int) -> bytes | None:
    """Bytes, or none at all."""
    return draw.choice(
        [None, b"", draw.randbytes(draw.randrange(1, 200)), b"\xff\xfe{}", b"\0" * 9]
    )


def nested(draw: random.Random, _: bytes, __: int) -> bytes:
    """Brackets in brackets."""
    deep = draw.choice([10, 1_000, 20_000])
    return draw.choice([b"[", b'{"a":', b'{"event_id":[']) * deep


def spoilt(draw: random.Random, good: bytes, _: int) -> bytes:
    """A good record with some bytes changed, gone or doubled."""
    value = bytearray(good)
    for _ in range(draw.randrange(1, 4)):
        at = draw.randrange(len(value) + 1)
        cut = draw.randrange(0, 12)
        value[at : at + cut] = draw.randbytes(draw.randrange(0, 6))
    return bytes(value)


def other_values(draw: random.Random, good: bytes, _: int) -> bytes:
    """A good record, a field of which has a value of another kind."""
    fields = json.loads(good)
    parts = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in fields.items()]
    at = draw.randrange(len(parts))
    name = draw.choice([parts[at].partition(":")[0], '"__proto__"', '"event_id"'])
    parts[at] = f"{name}:{draw.choice(_WORDS)}"
    return ("{" + ",".join(parts) + "}").encode("utf-8", "surrogatepass")


def from_the_future(_: random.Random, good: bytes, now_ms: int) -> bytes:
    """A good event, but of a time to come."""
    return _with(good, event_time=now_ms + 86_400_000 * 365 * 20)


def of_no_currency(_: random.Random, good: bytes, __: int) -> bytes:
    """A good transaction in money that nobody has."""
    return _with(good, currency="XXX", event_id="hostile")


def to_no_alert(draw: random.Random, good: bytes, _: int) -> bytes:
    """An answer to what is not open."""
    return _with(good, alert_id=draw.randbytes(16).hex())


def beyond_bounds(draw: random.Random, _: bytes, now_ms: int) -> bytes:
    """A silence of everything, for years."""
    return json.dumps(
        {
            "silence_id": draw.randbytes(4).hex(),
            "matchers": [
                draw.choice(['entity=~".*"', 'tier!="x"', "risk=~.+", 'entity=~"(a+)+$"'])
            ],
            "starts_at": now_ms,
            "ends_at": now_ms + 86_400_000 * 365,
            "created_by": "mallory",
            "approved_by": "trent",
            "comment": "",
        }
    ).encode()


def wild_rollup(draw: random.Random, _: bytes, __: int) -> bytes:
    """Rows for slots that do not exist, of other layouts, of texts that end elsewhere."""
    rows = draw.choice([b"", draw.randbytes(8 * draw.randrange(1, 60)), b"\xff" * 8 * 40])
    part = Part(
        kind=draw.choice(list(EntityKind)),
        version=draw.randbytes(8),
        rows=rows,
        ends=draw.randbytes(4 * draw.randrange(0, 4)),
        text=draw.randbytes(draw.randrange(0, 40)),
    )
    return msgspec.msgpack.encode(Rollup(draw.randrange(1_024), 1_024, None, [part]))


def cut_rollup(draw: random.Random, good: bytes, _: int) -> bytes:
    """The beginning of a good record."""
    return good[: draw.randrange(len(good))] if good else b"\x94"


def far_risk(draw: random.Random, _: bytes, __: int) -> bytes:
    """A risky entity of no known time or risk."""
    wild = draw.choice([-1, 2**62, 101, 1e300, None, "now"])
    entry = {"kind": "ip", "id": "x" * draw.randrange(0, 9), "at": wild, "risk": wild}
    return json.dumps(entry).encode()


_ANY: list[Make] = [garbage, nested, spoilt, other_values]
MAKERS: Mapping[Source, list[Make]] = {
    Stream.TRANSACTION: [*_ANY, from_the_future, of_no_currency],
    Stream.LOGIN: [*_ANY, from_the_future],
    Stream.COMPLAINT: [*_ANY, from_the_future],
    Control.RESPONSE: [*_ANY, to_no_alert],
    Control.SILENCE: [*_ANY, beyond_bounds],
    Control.ROLLUP: [garbage, nested, wild_rollup, cut_rollup],
    Control.ENTITY_RISK: [*_ANY, far_risk],
}
_SAMPLES: Mapping[Source, bytes] = {
    Stream.TRANSACTION: (
        b'{"event_id":"w","event_time":1600000000000,"customer_id":"w","kind":"fee","direction":"debit",'
        b'"amount":1,"status":"approved"}'
    ),
    Stream.LOGIN: (
        b'{"event_id":"w","event_time":1600000000000,"customer_id":"w","kind":"login","success":true}'
    ),
    Stream.COMPLAINT: (
        b'{"event_id":"w","event_time":1600000000000,"customer_id":"w","complaint_id":"w",'
        b'"status":"received","channel":"app"}'
    ),
    Control.ROLLUP: b"\x94",
    Control.RESPONSE: (
        b'{"response_id":"R","event_time":1,"key":"C1","kind":"acknowledge","actor":"li.wei",'
        b'"alert_id":"A"}'
    ),
    Control.SILENCE: (
        b'{"silence_id":"S","matchers":["tier=red"],"starts_at":1,"ends_at":2,"created_by":"x",'
        b'"comment":""}'
    ),
    Control.ENTITY_RISK: b'{"kind":"ip","id":"10.0.0.1","at":1,"risk":50}',
}
_MEANT = {from_the_future, of_no_currency, to_no_alert, beyond_bounds, wild_rollup}
"""They can be read: that they change nothing is up to us alone."""


def hostile(
    source: Source, draw: random.Random, good: Sequence[bytes], now_ms: int
) -> Iterator[bytes | None]:
    """Records without end."""
    while True:
        make = draw.choice(MAKERS[source])
        value = make(draw, draw.choice(good or [_SAMPLES[source]]), now_ms)
        if make in _MEANT or not _is_readable(source, value):
            yield value


def _is_readable(source: Source, value: bytes | None) -> bool:
    if source is Control.ROLLUP:
        kinds: tuple[type, ...] = (Rollup,)
        read: Callable[..., object] = msgspec.msgpack.decode
    else:
        kinds, read = _KINDS[source], msgspec.json.decode
    for kind in kinds:
        try:
            read(value or b"", type=kind)
        except (ValueError, RecursionError):
            continue
        return True
    return False


def _with(good: bytes, **fields: object) -> bytes:
    return json.dumps({**json.loads(good), **fields}).encode()
