"""Features against a naive oracle that keeps every event and looks at all of them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.properties.feature_histories import (
    HOURLY,
    SECOND,
    START_MS,
    WINDOWS_MS,
    Rig,
    amounts_of,
    histories,
    inside,
    is_covered,
    moments,
    one_of_each,
    seen_by,
    time_of,
)

from sentinel.features.kernels import passed, rings
from sentinel.features.kernels.advance import KINDS
from sentinel.model.columns import FALSE, TRUE, Kind
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
    for index, event in enumerate(events):
        for name in ("n_1m", "n_10m", "sum_1m", "sum_10m", "max_10m", "min_10m", "mean_1m"):
            operation, _, length = name.rpartition("_")
            seen = seen_by(events, index, Transaction)
            start = time_of(event) - WINDOWS_MS[length]
            if is_covered(seen, start):
                expected = _window_oracle(inside(seen, start, time_of(event)))[operation]
                np.testing.assert_equal(values[index][name], expected, err_msg=name)
        seen = seen_by(events, index, Login)
        start = time_of(event) - WINDOWS_MS["10m"]
        if is_covered(seen, start):
            expected = _window_oracle(inside(seen, start, time_of(event)))["failed"]
            assert values[index]["failed"] == expected


@settings(max_examples=60, deadline=None)
@given(histories(late=False))
def test_busy_windows_err_by_at_most_one_pane(events: list[Event]) -> None:
    """Beyond the ring a count is "at least", and lacks at most the oldest twelfth."""
    values = Rig().run(events)
    for index, event in enumerate(events):
        seen = seen_by(events, index, Transaction)
        now = time_of(event)
        for length, window_ms in WINDOWS_MS.items():
            whole = _window_oracle(inside(seen, now - window_ms, now))
            sure = _window_oracle(inside(seen, now - window_ms + window_ms // 12, now))
            assert sure["n"] <= values[index][f"n_{length}"] <= whole["n"]
            assert sure["sum"] <= values[index][f"sum_{length}"] <= whole["sum"]
        if not np.isnan(sure["max"]):
            assert sure["max"] <= values[index]["max_10m"] <= whole["max"]
        if not np.isnan(sure["min"]):
            assert whole["min"] <= values[index]["min_10m"] <= sure["min"]


@settings(max_examples=60, deadline=None)
@given(histories(late=False))
@example(HOURLY)
def test_every_kind_equals_its_oracle(events: list[Event]) -> None:
    """Every operation of every kind, at any volume; windows as long as the ring covers them."""
    rig = Rig(text=one_of_each())
    values = rig.run(events)
    kinds = {operation: kind for kind in KINDS for operation in kind.operations}
    for feature in rig.declared.features:
        kind = kinds[feature.operation]
        for index, event in enumerate(events):
            seen = seen_by(events, index, Transaction)
            start = time_of(event) - feature.span_ms
            if kind in (rings.KIND, passed.KIND) and not is_covered(seen, start):
                continue
            value = values[index][feature.name]
            if feature.operation.result is Kind.TRUTH:
                value = {FALSE: 0.0, TRUE: 1.0}.get(np.int8(value), np.nan)
            expected = kind.oracle(feature, moments(feature, events, index))
            np.testing.assert_allclose(value, expected, 1e-6, 1e-9, err_msg=feature.name)


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
    for index, probe in enumerate(probes):
        seen = seen_by([*events, probe], len(events), Transaction)
        names = ["payees"]
        names += ["n_1m", "sum_1m"] if is_covered(seen, end - WINDOWS_MS["1m"]) else []
        names += ["n_10m", "max_10m"] if is_covered(seen, end - WINDOWS_MS["10m"]) else []
        for name in names:
            np.testing.assert_equal(ours[index][name], others[index][name], err_msg=name)


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
    assert rig.features.overflow_used == 1
    values = rig.run([event("c2", 30)])[0]
    assert (values["n_10m"], values["sum_10m"], values["day_sum"]) == (1, 5, 5)
    assert rig.features.overflow_used == 0
