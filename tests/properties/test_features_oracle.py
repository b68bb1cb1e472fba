"""Features against a naive oracle that keeps every event and looks at all of them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.feature_histories import (
    SECOND,
    START_MS,
    WINDOWS_MS,
    Rig,
    amounts_of,
    histories,
    inside,
    is_covered,
    seen_by,
    time_of,
)

from sentinel.model.events import Event, Login, Transaction


def _window_oracle(events: Sequence[Event]) -> dict[str, float]:
    """Every sliding-window feature over the events inside the window."""
    debit = amounts_of(events, direction="debit")
    declined = amounts_of(events, status="declined")
    amounts = amounts_of(events)
    return {
        "n": len(amounts),
        "sum": sum(debit),
        "max": max(debit, default=np.nan),
        "min": min(amounts, default=np.nan),
        "mean": float(np.mean(declined)) if declined else np.nan,
        "failed": sum(isinstance(each, Login) and not each.success for each in events),
    }


@settings(max_examples=60, deadline=None)
@given(histories(late=True))
def test_covered_windows_are_exact(events: list[Event]) -> None:
    """A window that the ring covers equals the oracle, late and shuffled input included."""
    values = Rig().run(events)
    for place, event in enumerate(events):
        for name in ("n_1m", "n_10m", "sum_1m", "sum_10m", "max_10m", "min_10m", "mean_1m"):
            operation, _, length = name.rpartition("_")
            seen = seen_by(events, place, Transaction)
            start = time_of(event) - WINDOWS_MS[length]
            if is_covered(seen, start):
                expected = _window_oracle(inside(seen, start, time_of(event)))[operation]
                np.testing.assert_equal(values[place][name], expected, err_msg=name)
        seen = seen_by(events, place, Login)
        start = time_of(event) - WINDOWS_MS["10m"]
        if is_covered(seen, start):
            expected = _window_oracle(inside(seen, start, time_of(event)))["failed"]
            assert values[place]["failed"] == expected


@settings(max_examples=60, deadline=None)
@given(histories(late=False))
def test_busy_windows_err_by_at_most_one_pane(events: list[Event]) -> None:
    """Beyond the ring a count is "at least", and lacks at most the oldest twelfth."""
    values = Rig().run(events)
    for place, event in enumerate(events):
        seen = seen_by(events, place, Transaction)
        now = time_of(event)
        for length, window_ms in WINDOWS_MS.items():
            whole = _window_oracle(inside(seen, now - window_ms, now))
            sure = _window_oracle(inside(seen, now - window_ms + window_ms // 12, now))
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
        seen = seen_by(events, place, Transaction)
        day = (time_of(event) + 8 * 3600 * SECOND) // (86_400 * SECOND)
        today = [
            each for each in seen if (time_of(each) + 8 * 3600 * SECOND) // (86_400 * SECOND) == day
        ]
        assert values[place]["day_sum"] == sum(amounts_of(today))
        assert values[place]["month_n"] == len(amounts_of(seen, direction="debit"))


@settings(max_examples=40, deadline=None)
@given(histories(late=False))
def test_recent_values_are_exact(events: list[Event]) -> None:
    """Distinct counts and first-seen equal the oracle while the values fit."""
    values = Rig().run(events)
    for place, event in enumerate(events):
        before = seen_by(events, place, Transaction)
        now = time_of(event)
        recent = inside(before, now - WINDOWS_MS["10m"], now)
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
            if each.counterparty_id == event.counterparty_id and time_of(each) > now - 300 * SECOND
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
        expected = np.nan if earlier is None else (time_of(event) - earlier) / SECOND
        np.testing.assert_equal(values[place]["since"], expected)
        last[event.customer_id] = time_of(event)


@settings(max_examples=40, deadline=None)
@given(histories(late=True), st.randoms(use_true_random=False))
def test_arrival_order_leaves_the_same_windows(events: list[Event], random: object) -> None:
    """Whatever the order of arrival, the next event reads the same covered windows."""
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    end = max(time_of(event) for event in events)
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
        seen = seen_by([*events, probe], len(events), Transaction)
        names = ["payees"]
        names += ["n_1m", "sum_1m"] if is_covered(seen, end - WINDOWS_MS["1m"]) else []
        names += ["n_10m", "max_10m"] if is_covered(seen, end - WINDOWS_MS["10m"]) else []
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
