"""Features of late events against a naive oracle: what was known up to each of them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from tests.properties.feature_histories import (
    SECOND,
    WINDOWS_MS,
    Rig,
    amounts_of,
    histories,
    inside,
    is_covered,
    seen_by,
    time_of,
)

from sentinel.model.columns import FALSE, TRUE, UNKNOWN
from sentinel.model.events import Event, Transaction


def _runs_held(seen: Sequence[Event]) -> int:
    """How many runs of payees there are, of which none looks back less than five minutes."""
    times: dict[str, list[int]] = {}
    for each in seen:
        if isinstance(each, Transaction) and each.counterparty_id is not None:
            times.setdefault(each.counterparty_id, []).append(time_of(each))
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
    for index, event in enumerate(events):
        seen, now = seen_by(events, index, Transaction), time_of(event)
        if _runs_held(seen) > 8:
            beyond.add(event.customer_id)
        if event.customer_id in beyond:
            continue
        recent = inside(seen, now - WINDOWS_MS["10m"], now)
        payees = {each.counterparty_id for each in recent if isinstance(each, Transaction)}
        assert values[index]["payees"] == len(payees - {None})
        if isinstance(event, Transaction) and event.counterparty_id is not None:
            before = [
                each
                for each in seen[:-1]
                if isinstance(each, Transaction) and each.counterparty_id and time_of(each) <= now
            ]
            known = {e.counterparty_id for e in before if time_of(e) > now - 300 * SECOND}
            expected = (FALSE if event.counterparty_id in known else TRUE) if before else UNKNOWN
            assert values[index]["new_payee"] == expected


@settings(max_examples=100, deadline=None)
@given(histories(late=True))
def test_late_events_are_told_of_their_day_up_to_them(events: list[Event]) -> None:
    """What came after an event is no part of its day, as far as the ring goes back."""
    values = Rig().run(events)
    for index, event in enumerate(events):
        seen, now = seen_by(events, index, Transaction), time_of(event)
        days = sorted({_day(each) for each in seen} | {0})
        if _day(event) < days[-2:][0] or (not seen and _day(event) > days[-1]):
            continue
        mine = [each for each in seen if _day(each) == _day(event)]
        before = amounts_of([each for each in mine if time_of(each) <= now])
        after = amounts_of([each for each in mine if time_of(each) > now])
        if not is_covered(seen, now):
            assert np.isnan(values[index]["day_sum"])
            continue
        assert values[index]["day_sum"] == sum(before)
        known = before and max(before) > max(after, default=-np.inf)
        np.testing.assert_equal(values[index]["day_max"], max(before) if known else np.nan)


def _day(event: Event) -> int:
    return (time_of(event) + 8 * 3600 * SECOND) // (86_400 * SECOND)


@settings(max_examples=100, deadline=None)
@given(histories(late=True))
def test_late_events_are_told_when_the_one_before_them_was(events: list[Event]) -> None:
    """Unless two or more came after; then nobody knows any more."""
    values = Rig().run(events)
    for index, event in enumerate(events):
        earlier = [
            time_of(each) for each in events[:index] if each.customer_id == event.customer_id
        ]
        now = time_of(event)
        before = [time for time in earlier if time <= now]
        held = len({time for time in earlier if time > now}) < 2
        expected = (now - max(before)) / SECOND if before and held else np.nan
        np.testing.assert_equal(values[index]["since"], expected)
