"""Made-up histories of customers, features that run over them, and what a naive oracle looks at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st

from sentinel.features import FeatureSet, LocalTime, declare
from sentinel.ingest import Decoded, Watermarks, merge
from sentinel.ingest.extract import extract
from sentinel.model.document import parse
from sentinel.model.events import Event, Login, Stream, Transaction
from sentinel.model.ids import PLAIN
from sentinel.rules import compile_expression
from sentinel.state import Slots

HISTORY = 6
SECOND = 1_000
START_MS = 1_767_571_200_000  # 2026-01-05T00:00:00Z
ZONE = ZoneInfo("Asia/Shanghai")
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
NAMES = tuple(feature.name for feature in declare(parse(FEATURES, "f.yaml")).features)
WINDOWS_MS = {"1m": 60 * SECOND, "10m": 600 * SECOND}


@dataclass
class Rig:
    """A feature set over its own slots, fed events in a given order."""

    customers: int = 50

    def __post_init__(self) -> None:
        """Build empty state."""
        demand = {stream: frozenset(NAMES) for stream in Stream}
        self.features = FeatureSet(
            declare(parse(FEATURES, "f.yaml")),
            demand,
            compile_expression,
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
                {name: float(rows.columns[name][place]) for name in NAMES}
                for place in range(len(piece))
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
    events: list[Event] = []
    for place, second in enumerate(seconds):
        moment = START_MS + second * SECOND
        customer = draw(st.sampled_from(["c1", "c2"]))
        if draw(st.integers(0, 4)) == 0:
            events.append(
                Login(
                    event_id=f"l{place}",
                    event_time=moment,
                    customer_id=customer,
                    kind="login",
                    success=draw(st.booleans()),
                )
            )
        else:
            events.append(
                Transaction(
                    event_id=f"t{place}",
                    event_time=moment,
                    customer_id=customer,
                    kind="transfer",
                    direction=draw(st.sampled_from(["debit", "credit"])),
                    status=draw(st.sampled_from(["approved", "declined"])),
                    amount=float(draw(st.integers(1, 50))),
                    counterparty_id=draw(st.sampled_from([None, "p1", "p2", "p3"])),
                )
            )
    return events


def seen_by(events: Sequence[Event], place: int, kind: type[Event]) -> list[Event]:
    """All that the customer of event ``place`` had sent by then, itself included."""
    mine = events[place].customer_id
    return [
        each for each in events[: place + 1] if each.customer_id == mine and isinstance(each, kind)
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
