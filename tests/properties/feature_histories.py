"""Made-up histories of customers, features that run over them, and what a naive oracle looks at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import UnionType
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st

from sentinel.features import Feature, FeatureSet, LocalTime, declare
from sentinel.features.kernels.advance import KINDS
from sentinel.features.kind import Moment
from sentinel.ingest import Decoded, Watermarks, merge
from sentinel.ingest.extract import extract
from sentinel.model.columns import Kind
from sentinel.model.document import parse
from sentinel.model.events import Event, Login, Stream, Transaction
from sentinel.model.ids import PLAIN
from sentinel.rules import ConditionCompiler
from sentinel.state import Slots

HISTORY = 6
SECOND = 1_000
START_MS = 1_767_571_200_000  # 2026-01-05T00:00:00Z
ZONE = ZoneInfo("Asia/Shanghai")
DEBIT = 'direction == "debit"'
CREDIT = 'direction == "credit"'
FEATURES = """
history: {transaction: 6, login: 6}
features:
  customer:
    n_1m:     {on: transaction, count: true, window: 1m}
    n_10m:    {on: transaction, count: true, window: 10m}
    sum_1m:   {on: transaction, sum: amount, where: 'direction == "debit"', window: 1m}
    sum_10m:  {on: transaction, sum: amount, where: 'direction == "debit"', window: 10m}
    max_10m:  {on: transaction, max: amount, where: 'direction == "debit"', window: 10m}
    min_10m:  {on: transaction, min: amount, window: 10m}
    mean_1m:  {on: transaction, mean: amount, where: 'status == "declined"', window: 1m}
    day_sum:  {on: transaction, sum: amount, calendar: day}
    month_n:  {on: transaction, count: true, where: 'direction == "debit"', calendar: month}
    day_max:  {on: transaction, max: amount, calendar: day}
    payees:   {on: transaction, distinct: counterparty_id, window: 10m, keep: 8}
    new_payee: {on: transaction, first_seen: counterparty_id, memory: 5m, keep: 8}
    failed:   {on: login, count: true, where: '!success', window: 10m}
    since:    {on: [transaction, login], since_last: true}
"""
SPANS = {"window": "10m", "memory": "5m", "halflife": "1h", "calendar": "day"}
WINDOWS_MS = {"1m": 60 * SECOND, "10m": 600 * SECOND}


@dataclass
class Rig:
    """A feature set over its own slots, fed events in a given order."""

    customers: int = 50
    text: str = FEATURES

    def __post_init__(self) -> None:
        """Build empty state."""
        self.declared = declare(parse(self.text, "f.yaml"))
        names = frozenset(feature.name for feature in self.declared.features)
        self.features = FeatureSet(
            self.declared,
            dict.fromkeys(Stream, names),
            ConditionCompiler(),
            LocalTime(ZONE),
            self.customers,
            self.customers,
        )
        self.slots = Slots(self.customers, 10**12)
        self.watermarks = Watermarks()

    def run(self, events: Sequence[Event]) -> list[dict[str, float]]:
        """The features of each event; the streams interleaved as given."""
        values: list[dict[str, float]] = []
        for stream, piece in _runs(events):
            names = self.features.field_demand[stream] | {"customer_id", "event_time"}
            columns = extract(stream, piece, names, PLAIN)
            decoded = Decoded(stream, piece, columns, np.zeros(len(piece), np.int64))
            batch = merge({stream: decoded}, self.watermarks, 0)
            rows = batch.rows[stream]
            slots, fresh, _ = self.slots.assign(batch.customer, batch.event_time)
            self.features.update(batch, slots, fresh)
            values += [
                {
                    feature.name: float(rows.columns[feature.name][index])
                    for feature in self.declared.features
                }
                for index in range(len(piece))
            ]
        return values


def _runs(events: Sequence[Event]) -> Iterator[tuple[Stream, list[Event]]]:
    """Consecutive events of one stream."""
    piece: list[Event] = []
    for event in events:
        if piece and type(event) is not type(piece[0]):
            yield _stream(piece[0]), piece
            piece = []
        piece.append(event)
    if piece:
        yield _stream(piece[0]), piece


def _stream(event: Event) -> Stream:
    return Stream.TRANSACTION if isinstance(event, Transaction) else Stream.LOGIN


@st.composite
def histories(draw: st.DrawFn, *, late: bool) -> list[Event]:
    """Some customers' events; ascending in time unless ``late``."""
    count = draw(st.integers(1, 60))
    spread = draw(st.sampled_from([30, 300, 2_000, 100_000]))
    seconds = draw(st.lists(st.integers(0, spread), min_size=count, max_size=count))
    if not late:
        seconds.sort()
    degrees = st.sampled_from([None, -33.0, 0.0, 31.25, 90.0])
    events: list[Event] = []
    for index, second in enumerate(seconds):
        moment = START_MS + second * SECOND
        customer = draw(st.sampled_from(["c1", "c2"]))
        if draw(st.integers(0, 4)) == 0:
            events.append(
                Login(
                    event_id=f"l{index}",
                    event_time=moment,
                    customer_id=customer,
                    kind="login",
                    success=draw(st.booleans()),
                    lat=draw(degrees),
                    lon=draw(degrees),
                )
            )
        else:
            events.append(
                Transaction(
                    event_id=f"t{index}",
                    event_time=moment,
                    customer_id=customer,
                    kind="transfer",
                    direction=draw(st.sampled_from(["debit", "credit"])),
                    status=draw(st.sampled_from(["approved", "declined"])),
                    amount=float(draw(st.integers(1, 50))),
                    counterparty_id=draw(st.sampled_from([None, "p1", "p2", "p3"])),
                    lat=draw(degrees),
                    lon=draw(degrees),
                )
            )
    return events


HOURLY: list[Event] = [
    Transaction(
        event_id=f"h{n}",
        event_time=START_MS + n * 97 * 60 * SECOND,
        customer_id="c1",
        kind="card",
        direction="debit",
        amount=float(n % 7),
    )
    for n in range(60)
]
"""One customer at all hours of some days: enough history for every feature."""


def one_of_each() -> str:
    """A features.yaml with a feature of every operation of every kind, and one with a condition."""
    lines = []
    for kind in KINDS:
        for operation in kind.operations:
            number = ("amount",) if len(operation.fields) == 1 else ("lat", "lon")
            fields = number if operation.reads is Kind.NUMBER else ("counterparty_id",)
            value = {0: "true", 1: fields[0]}.get(len(operation.fields), str([*fields]))
            span = f", {operation.span}: {SPANS[operation.span]}" if operation.span else ""
            on = "[transaction, login]" if operation.many_streams else "transaction"
            debits = f", where: '{DEBIT}'"
            if operation.after:
                debits += f", after: '{CREDIT}'"
            for where, text in (("all", ""), ("debit", debits)):
                if not (operation.many_streams if text else operation.after):
                    name = f"{operation}_{operation.span}_{where}"
                    lines.append(f"    {name}: {{on: {on}, {operation}: {value}{span}{text}}}")
    lines = ["history: {transaction: 6, login: 6}", "features:", "  customer:", *lines]
    return "\n".join(lines)


def moments(feature: Feature, events: Sequence[Event], index: int) -> list[Moment]:
    """What the customer of event ``index`` had sent by then, as the feature's oracle sees it."""
    return [
        Moment(
            time_of(each),
            datetime.fromtimestamp(time_of(each) / SECOND, ZONE),
            _values(feature, feature.where, each),
            None if feature.after is None else _values(feature, feature.after, each),
        )
        for each in seen_by(events, index, Transaction | Login)
    ]


def _values(feature: Feature, where: str | None, event: Event) -> tuple[float | str, ...] | None:
    """The fields that the feature reads of an event, None where the condition does not hold."""
    if _stream(event) not in feature.streams:
        return None
    direction = {DEBIT: "debit", CREDIT: "credit"}.get(where or "")
    if direction is not None and getattr(event, "direction", None) != direction:
        return None
    values = tuple(getattr(event, name) for name in feature.fields)
    return None if None in values else values


def seen_by(events: Sequence[Event], index: int, kind: type[Event] | UnionType) -> list[Event]:
    """All that the customer of event ``index`` had sent by then, itself included."""
    mine = events[index].customer_id
    return [
        each for each in events[: index + 1] if each.customer_id == mine and isinstance(each, kind)
    ]


def time_of(event: Event) -> int:
    """The event time of ``event``, ms UTC."""
    assert isinstance(event.event_time, int)
    return event.event_time


def is_covered(seen: Sequence[Event], start: int) -> bool:
    """Whether the ring of the last events holds all that came after ``start``."""
    times = sorted(time_of(event) for event in seen)
    return len(times) <= HISTORY or times[-HISTORY - 1] <= start


def amounts_of(events: Sequence[Event], **wanted: str) -> list[float]:
    """The amounts of the transactions whose fields have the ``wanted`` values."""
    return [
        float(each.amount)
        for each in events
        if isinstance(each, Transaction)
        and all(getattr(each, key) == value for key, value in wanted.items())
    ]


def inside(seen: Sequence[Event], start: int, end: int) -> list[Event]:
    """Those of ``seen`` that happened after ``start`` and until ``end``."""
    return [each for each in seen if start < time_of(each) <= end]
