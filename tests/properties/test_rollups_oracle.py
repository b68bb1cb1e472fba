"""Rollups: however events are spread over shards and steps, the owner holds what they come to."""

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.entities import Collector, Measures, Owner, declare, lay_out, records
from sentinel.entities.declare import Measure, Operation
from sentinel.entities.layout import PANE_MS
from sentinel.ingest import Limits, Watermarks, decode, merge
from sentinel.kafka.records import Fetched
from sentinel.model.document import parse
from sentinel.model.entity import ID_FIELDS, EntityKind
from sentinel.model.events import Event, Login, Stream, Transaction
from sentinel.model.ids import PLAIN
from sentinel.model.network import network_of
from sentinel.model.response import Control
from sentinel.model.rollup import EntityRows, Progress
from sentinel.model.step import Chunk
from sentinel.rules import ConditionCompiler

START_MS = 1_767_600_000_000
LIMITS = Limits(
    lateness_ms=3_600_000,
    future_skew_ms=300_000,
    max_value_bytes=100_000,
    remembered_events=1_000,
    base_currency="CNY",
    rates={"CNY": 1.0},
)
FEATURES = """
features:
  customer: {}
  ip:
    failed_1m: {on: login, count: true, where: '!success', window: 1m}
    failed_10m: {on: login, count: true, where: '!success', window: 10m}
    customers_5m: {on: login, distinct: customer_id, window: 5m}
    spent_10m: {on: transaction, sum: amount, where: 'direction == "debit"', window: 10m}
  device:
    customers_10m: {on: login, distinct: customer_id, where: success, window: 10m}
    payers_10m: {on: transaction, distinct: customer_id, window: 10m}
  merchant:
    sold_5m: {on: transaction, sum: amount, window: 5m}
  bank:
    balances_5m: {on: transaction, sum: balance_after, window: 5m}
    logins_2m: {on: login, count: true, window: 2m}
"""
WHERES: dict[str | None, Callable[[Event], bool]] = {
    None: lambda _: True,
    "!success": lambda event: isinstance(event, Login) and not event.success,
    "success": lambda event: isinstance(event, Login) and event.success,
    'direction == "debit"': lambda event: (
        isinstance(event, Transaction) and event.direction == "debit"
    ),
}
STREAMS: dict[type, Stream] = {Login: Stream.LOGIN, Transaction: Stream.TRANSACTION}


@cache
def _measures() -> Measures:
    return declare(parse(FEATURES, "features.yaml"))


def _stages() -> tuple[Collector, Owner]:
    measures = _measures()
    demand = {k: frozenset(each.name for each in m) for k, m in measures.by_kind.items()}
    layout = lay_out(measures, demand)
    return Collector(layout, measures, ConditionCompiler()), Owner(layout, 1_000)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """A login or transaction of few customers, addresses, devices and moments."""
    common = {
        "event_id": "e",
        "event_time": START_MS + draw(st.integers(0, 1_500)) * 1_000,
        "customer_id": f"C{draw(st.integers(0, 40))}",
        "ip": draw(st.sampled_from([None, "10.0.0.1", "10.0.0.2", "::1", "0::2"])),
        "device_id": draw(st.sampled_from([None, "d1", "设备二", 'a"b'])),
    }
    if draw(st.booleans()):
        kind = draw(st.sampled_from(["login", "logout"]))
        return msgspec.convert({**common, "kind": kind, "success": draw(st.booleans())}, Login)
    money = {
        "kind": "card",
        "direction": draw(st.sampled_from(["debit", "credit"])),
        "amount": draw(st.sampled_from([0.1, 0.2, 12.34, 99_999.99, 1e15])),
        "merchant_id": draw(st.sampled_from([None, "m1", "m2"])),
        "balance_after": draw(st.sampled_from([None, -5.25, 7.5])),
    }
    return msgspec.convert({**common, **money}, Transaction)


def _step(collector: Collector, mine: list[Event], watermarks: Watermarks) -> list[bytes]:
    """The rollup records of one step of one shard, all for one owner."""
    decoded = {}
    for kind, stream in STREAMS.items():
        values = [msgspec.json.encode(event) for event in mine if isinstance(event, kind)]
        n = len(values)
        chunk = Chunk(stream, "t", 0, list(range(n)), [-1] * n, [None] * n, [*values])
        wanted, raw_fields = collector.field_demand[stream], collector.raw_fields[stream]
        decoded[stream] = decode(stream, [chunk], LIMITS, wanted, raw_fields)
    batch = merge(decoded, watermarks, LIMITS.lateness_ms)
    return [value for _, value in records(collector.collect(batch), 0, 1, Progress(0))]


def _apply(owner: Owner, chunks: list[Chunk]) -> list[EntityRows]:
    return owner.apply([rows for _, parts in owner.read(chunks) for rows in parts])


def _names(kind: EntityKind, event: Event) -> str | None:
    if kind is EntityKind.BANK:
        return "bank"
    field = ID_FIELDS[kind].get(STREAMS[type(event)])
    name: str | None = getattr(event, field) if field else None
    return network_of(name) if name and kind is EntityKind.IP else name


def _counts(measure: Measure, event: Event) -> bool:
    return (
        STREAMS[type(event)] is measure.stream
        and WHERES[measure.where](event)
        and (measure.field is None or getattr(event, measure.field) is not None)
    )


def _oracle(happened: list[Event]) -> dict[tuple[EntityKind, str], dict[str, float]]:
    """Each entity's measures, from all events at once."""
    found: dict[tuple[EntityKind, str], dict[str, float]] = {}
    for kind, measures in _measures().by_kind.items():
        named: dict[str, list[Event]] = {}
        for event in happened:
            entity = _names(kind, event)
            if entity and any(_counts(measure, event) for measure in measures):
                named.setdefault(entity, []).append(event)
        for entity, mine in named.items():
            newest = max(_pane(event) for event in mine)
            found[kind, entity] = {
                measure.name: _value(measure, newest, mine) for measure in measures
            }
    return found


def _pane(event: Event) -> int:
    assert isinstance(event.event_time, int)
    return event.event_time // PANE_MS + 1


def _value(measure: Measure, newest: int, mine: list[Event]) -> float:
    every = max(1, math.ceil(measure.window_ms / 12 / PANE_MS))
    first = newest // every - math.ceil(measure.window_ms / (every * PANE_MS)) + 1
    inside = [each for each in mine if _counts(measure, each) and _pane(each) // every >= first]
    if measure.operation is Operation.COUNT:
        return float(len(inside))
    if measure.operation is Operation.SUM:
        assert measure.field is not None
        cents = (min(round(getattr(each, measure.field) * 100), 10**15) for each in inside)
        return float(sum(cents) / 100)
    return float(len({each.customer_id for each in inside}))


def _newest(tables: list[EntityRows]) -> dict[tuple[EntityKind, str], dict[str, float]]:
    """Each entity's measures as they stood after its last row."""
    return {
        (rows.kind, rows.ids[row]): {
            name: float(column[row]) for name, column in rows.columns.items()
        }
        for rows in tables
        for row in range(len(rows))
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(events(), min_size=1, max_size=60), st.data())
def test_the_owner_holds_what_all_events_come_to(
    happened: list[Event], data: st.DataObject
) -> None:
    """Any shards, cuts, interleaving and redelivery: each entity's measures are the oracle's."""
    collector, owner = _stages()
    records_of: list[list[bytes]] = []
    for shard in range(3):
        mine = [event for event in happened if PLAIN.text(event.customer_id) % 3 == shard]
        cuts = sorted(data.draw(st.lists(st.integers(0, len(mine)), max_size=4)))
        edges, watermarks = [0, *cuts, len(mine)], Watermarks()
        steps = (mine[start:end] for start, end in pairwise(edges))
        records_of.append([r for each in steps for r in _step(collector, each, watermarks)])
    turns = [shard for shard, mine in enumerate(records_of) for _ in mine]
    log = [records_of[shard].pop(0) for shard in data.draw(st.permutations(turns))]
    tables: list[EntityRows] = []
    applied = -1
    while applied < len(log) - 1:
        first = data.draw(st.integers(0, applied + 1))  # a restart brings some records again
        last = data.draw(st.integers(applied + 1, len(log) - 1))
        n = last - first + 1
        offsets = list(range(first, last + 1))
        again = [*log[first : last + 1]]
        fetched = Fetched("r", 0, first, last + 1, offsets, [0] * n, [None] * n, [*again])
        chunk = fetched.after(Control.ROLLUP, applied)
        assert chunk is not None
        tables += _apply(owner, [chunk])
        applied = last
    assert _newest(tables) == _oracle(happened)


@settings(max_examples=25, deadline=None)
@given(st.lists(events(), min_size=1, max_size=40), st.data())
def test_a_restored_owner_goes_on_as_if_nothing_happened(
    happened: list[Event], data: st.DataObject
) -> None:
    """Snapshot into a fresh owner at any place: the same measures and the same bytes at the end."""
    collector, owner = _stages()
    log = [r for event in happened for r in _step(collector, [event], Watermarks())]
    cut = data.draw(st.integers(0, len(log)))
    before, after = (
        [Chunk(Control.ROLLUP, "r", 0, [0] * len(m), [0] * len(m), [None] * len(m), [*m])]
        for m in (log[:cut], log[cut:])
    )
    _apply(owner, before)
    other = _stages()[1]
    other.restore(owner.snapshot())
    assert _newest(_apply(other, after)) == _newest(_apply(owner, after))
    assert other.snapshot() == owner.snapshot()
