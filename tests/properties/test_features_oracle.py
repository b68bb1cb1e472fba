"""Features against a naive oracle that keeps every event and looks at all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.features import FeatureSet, LocalTime, declare
from sentinel.ingest import Decoded, Watermarks, merge
from sentinel.ingest.extract import extract
from sentinel.model.columns import FALSE, TRUE, UNKNOWN
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


def _seen(events: Sequence[Event], place: int, kind: type[Event]) -> list[Event]:
    """All that the customer of event ``place`` had sent by then, itself included."""
    mine = events[place].customer_id
    return [
        each for each in events[: place + 1] if each.customer_id == mine and isinstance(each, kind)
    ]


def _time(event: Event) -> int:
    assert isinstance(event.event_time, int)
    return event.event_time


def _covered(seen: Sequence[Event], start: int) -> bool:
    """Whether the ring of the last events holds all that came after ``start``."""
    times = sorted(_time(event) for event in seen)
    return len(times) <= HISTORY or times[-HISTORY - 1] <= start


def _amounts(events: Sequence[Event], **wanted: str) -> list[float]:
    return [
        float(each.amount)
        for each in events
        if isinstance(each, Transaction)
        and all(getattr(each, key) == value for key, value in wanted.items())
    ]


def _window_oracle(events: Sequence[Event]) -> dict[str, float]:
    """Every sliding-window feature over the events inside the window."""
    debit = _amounts(events, direction="debit")
    declined = _amounts(events, status="declined")
    amounts = _amounts(events)
    return {
        "n": len(amounts),
        "sum": sum(debit),
        "max": max(debit, default=np.nan),
        "min": min(amounts, default=np.nan),
        "mean": float(np.mean(declined)) if declined else np.nan,
        "failed": sum(isinstance(each, Login) and not each.success for each in events),
    }


def _inside(seen: Sequence[Event], start: int, end: int) -> list[Event]:
    return [each for each in seen if start < _time(each) <= end]


@settings(max_examples=60, deadline=None)
@given(histories(late=True))
def test_covered_windows_are_exact(events: list[Event]) -> None:
    """A window that the ring covers equals the oracle, late and shuffled input included."""
    values = Rig().run(events)
    for place, event in enumerate(events):
        for name in ("n_1m", "n_10m", "sum_1m", "sum_10m", "max_10m", "min_10m", "mean_1m"):
            operation, _, length = name.rpartition("_")
            seen = _seen(events, place, Transaction)
            start = _time(event) - WINDOWS_MS[length]
            if _covered(seen, start):
                expected = _window_oracle(_inside(seen, start, _time(event)))[operation]
                np.testing.assert_equal(values[place][name], expected, err_msg=name)
        seen = _seen(events, place, Login)
        start = _time(event) - WINDOWS_MS["10m"]
        if _covered(seen, start):
            expected = _window_oracle(_inside(seen, start, _time(event)))["failed"]
            assert values[place]["failed"] == expected


@settings(max_examples=60, deadline=None)
@given(histories(late=False))
def test_busy_windows_err_by_at_most_one_pane(events: list[Event]) -> None:
    """Beyond the ring a count is "at least", and lacks at most the oldest twelfth."""
    values = Rig().run(events)
    for place, event in enumerate(events):
        seen = _seen(events, place, Transaction)
        now = _time(event)
        for length, window_ms in WINDOWS_MS.items():
            whole = _window_oracle(_inside(seen, now - window_ms, now))
            sure = _window_oracle(_inside(seen, now - window_ms + window_ms // 12, now))
            assert sure["n"] <= values[place][f"n_{length}"] <= whole["n"]
            assert sure["sum"] <= values[place][f"sum_{length}"] <= whole["sum"]
        if not np.isnan(sure["max"]):
            assert sure["max"] <= values[place]["max_10m"] <= whole["max"]
        if not np.isnan(sure["min"]):
            assert whole["min"] <= values[place]["min_10m"] <= sure["min"]


@settings(max_examples=40, deadline=None)
@given(histories(late=False))
def test_calendar_windows_are_exact_at_any_volume(events: list[Event]) -> None:
    """Local day and month equal the oracle, however busy the customer."""
    values = Rig().run(events)
    for place, event in enumerate(events):
        seen = _seen(events, place, Transaction)
        day = (_time(event) + 8 * 3600 * SECOND) // (86_400 * SECOND)
        today = [
            each for each in seen if (_time(each) + 8 * 3600 * SECOND) // (86_400 * SECOND) == day
        ]
        assert values[place]["day_sum"] == sum(_amounts(today))
        assert values[place]["month_n"] == len(_amounts(seen, direction="debit"))


@settings(max_examples=40, deadline=None)
@given(histories(late=False))
def test_recent_values_are_exact(events: list[Event]) -> None:
    """Distinct counts and first-seen equal the oracle while the values fit."""
    values = Rig().run(events)
    for place, event in enumerate(events):
        before = _seen(events, place, Transaction)
        now = _time(event)
        recent = _inside(before, now - WINDOWS_MS["10m"], now)
        payees = {each.counterparty_id for each in recent if isinstance(each, Transaction)}
        assert values[place]["payees"] == len(payees - {None})
        if not isinstance(event, Transaction) or event.counterparty_id is None:
            assert values[place]["new_payee"] == 1  # unknown
            continue
        earlier = [
            each for each in before[:-1] if isinstance(each, Transaction) and each.counterparty_id
        ]
        known = [
            each
            for each in earlier
            if each.counterparty_id == event.counterparty_id and _time(each) > now - 300 * SECOND
        ]
        expected = 1 if not earlier else 0 if known else 2
        assert values[place]["new_payee"] == expected


@settings(max_examples=60, deadline=None)
@given(histories(late=False))
def test_since_counts_from_the_previous_event(events: list[Event]) -> None:
    """Time since the last event is that of the one before, missing for the first."""
    values = Rig().run(events)
    last: dict[str, int] = {}
    for place, event in enumerate(events):
        earlier = last.get(event.customer_id)
        expected = np.nan if earlier is None else (_time(event) - earlier) / SECOND
        np.testing.assert_equal(values[place]["since"], expected)
        last[event.customer_id] = _time(event)


@settings(max_examples=40, deadline=None)
@given(histories(late=True), st.randoms(use_true_random=False))
def test_arrival_order_leaves_the_same_windows(events: list[Event], random: object) -> None:
    """Whatever the order of arrival, the next event reads the same covered windows."""
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    end = max(_time(event) for event in events)
    probes: list[Event] = [
        Transaction(
            event_id=f"p{k}",
            event_time=end,
            customer_id=customer,
            kind="transfer",
            direction="credit",
            amount=1.0,
        )
        for k, customer in enumerate(["c1", "c2"])
    ]
    mine, theirs = Rig(), Rig()
    mine.run(events)
    theirs.run(shuffled)
    ours, others = mine.run(probes), theirs.run(probes)
    for place, probe in enumerate(probes):
        seen = _seen([*events, probe], len(events), Transaction)
        names = ["payees"]
        names += ["n_1m", "sum_1m"] if _covered(seen, end - WINDOWS_MS["1m"]) else []
        names += ["n_10m", "max_10m"] if _covered(seen, end - WINDOWS_MS["10m"]) else []
        for name in names:
            np.testing.assert_equal(ours[place][name], others[place][name], err_msg=name)


@settings(max_examples=60, deadline=None)
@given(histories(late=True), st.data())
def test_cuts_and_snapshots_change_nothing(events: list[Event], data: st.DataObject) -> None:
    """Cut anywhere, with a snapshot and restore at each cut: the same values and bytes."""
    whole = Rig()
    expected = whole.run(events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=5)))
    rig, got = Rig(), []
    for start, end in pairwise([0, *cuts, len(events)]):
        got += rig.run(events[start:end])
        again = Rig()
        again.slots.restore(rig.slots.snapshot())
        again.features.restore(rig.features.snapshot(rig.slots.highest))
        again.watermarks.restore(rig.watermarks.snapshot())
        rig = again
    np.testing.assert_equal(got, expected)
    assert rig.features.snapshot(rig.slots.highest) == whole.features.snapshot(whole.slots.highest)


def test_a_row_that_changes_hands_starts_empty() -> None:
    """An evicted customer's windows, panes and values never reach the next one."""

    def event(customer: str, second: int) -> Event:
        return Transaction(
            event_id=f"{customer}{second}",
            event_time=START_MS + second * SECOND,
            customer_id=customer,
            kind="transfer",
            direction="debit",
            amount=5.0,
            counterparty_id="p1",
        )

    rig = Rig(customers=1)
    rig.run([event("c1", second) for second in range(20)])
    assert rig.features.busy_used == 1
    values = rig.run([event("c2", 30)])[0]
    assert (values["n_10m"], values["sum_10m"], values["day_sum"]) == (1, 5, 5)
    assert rig.features.busy_used == 0


def _runs_held(seen: Sequence[Event]) -> int:
    """How many runs of payees there are, of which none looks back less than five minutes."""
    times: dict[str, list[int]] = {}
    for each in seen:
        if isinstance(each, Transaction) and each.counterparty_id is not None:
            times.setdefault(each.counterparty_id, []).append(_time(each))
    gap = 300 * SECOND
    return sum(
        1 + sum(after - before > gap for before, after in pairwise(sorted(mine)))
        for mine in times.values()
    )


@settings(max_examples=100, deadline=None)
@given(histories(late=True))
def test_recent_values_are_those_of_the_event_however_late(events: list[Event]) -> None:
    """While the runs fit, each event is told of values up to its own time, whatever came before."""
    values = Rig().run(events)
    beyond: set[str] = set()  # customers of whom a run was forgotten
    for place, event in enumerate(events):
        seen, now = _seen(events, place, Transaction), _time(event)
        if _runs_held(seen) > 8:
            beyond.add(event.customer_id)
        if event.customer_id in beyond:
            continue
        recent = _inside(seen, now - WINDOWS_MS["10m"], now)
        payees = {each.counterparty_id for each in recent if isinstance(each, Transaction)}
        assert values[place]["payees"] == len(payees - {None})
        if isinstance(event, Transaction) and event.counterparty_id is not None:
            before = [
                each
                for each in seen[:-1]
                if isinstance(each, Transaction) and each.counterparty_id and _time(each) <= now
            ]
            known = {e.counterparty_id for e in before if _time(e) > now - 300 * SECOND}
            expected = (FALSE if event.counterparty_id in known else TRUE) if before else UNKNOWN
            assert values[place]["new_payee"] == expected


@settings(max_examples=100, deadline=None)
@given(histories(late=True))
def test_late_events_are_told_of_their_day_up_to_them(events: list[Event]) -> None:
    """What came after an event is no part of its day, as far as the ring goes back."""
    values = Rig().run(events)
    for place, event in enumerate(events):
        seen, now = _seen(events, place, Transaction), _time(event)
        days = sorted({_day(each) for each in seen} | {0})
        if _day(event) < days[-2:][0] or (not seen and _day(event) > days[-1]):
            continue
        mine = [each for each in seen if _day(each) == _day(event)]
        before = _amounts([each for each in mine if _time(each) <= now])
        after = _amounts([each for each in mine if _time(each) > now])
        if not _covered(seen, now):
            assert np.isnan(values[place]["day_sum"])
            continue
        assert values[place]["day_sum"] == sum(before)
        known = before and max(before) > max(after, default=-np.inf)
        np.testing.assert_equal(values[place]["day_max"], max(before) if known else np.nan)


def _day(event: Event) -> int:
    return (_time(event) + 8 * 3600 * SECOND) // (86_400 * SECOND)


@settings(max_examples=100, deadline=None)
@given(histories(late=True))
def test_late_events_are_told_when_the_one_before_them_was(events: list[Event]) -> None:
    """Unless two or more came after; then nobody knows any more."""
    values = Rig().run(events)
    for place, event in enumerate(events):
        earlier = [_time(each) for each in events[:place] if each.customer_id == event.customer_id]
        now = _time(event)
        before = [time for time in earlier if time <= now]
        held = len({time for time in earlier if time > now}) < 2
        expected = (now - max(before)) / SECOND if before and held else np.nan
        np.testing.assert_equal(values[place]["since"], expected)
