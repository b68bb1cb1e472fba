"""Kernels on a bare row of words."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sentinel.features.kernels import normal, rhythm, velocity
from sentinel.features.local_time import LocalTime

DAY_MS = 86_400_000
MONDAY_MS = 1_767_571_200_000  # 2026-01-05T00:00:00Z, a Monday


def words(count: int) -> tuple[np.ndarray, np.ndarray]:
    """A fresh row, as float64 and int64."""
    row = np.zeros(count, np.int64)
    return row.view(np.float64), row


def test_zscore_equals_the_weighted_formula() -> None:
    """Mean and deviation decay by half in a half-life, as the closed form says."""
    f, i = words(normal.WORDS)
    values = [float(value) for value in range(100, 120)]
    for day, value in enumerate(values):
        normal.learn(f, i, 0, MONDAY_MS + day * DAY_MS, 5 * DAY_MS, value)
    weights = 0.5 ** ((len(values) - 1 - np.arange(len(values))) / 5)
    mean = np.average(values, weights=weights)
    deviation = np.sqrt(np.average((np.array(values) - mean) ** 2, weights=weights))
    expected = (200 - mean) / max(deviation, 0.1 * mean)
    assert normal.zscore(f, 0, 200.0) == pytest.approx(expected, rel=1e-12)


def test_zscore_does_not_depend_on_the_order_of_arrival() -> None:
    """A late value counts as if it had come in time."""
    rows = []
    for order in ([0, 1, 2, 3, 4, 5, 6, 7], [0, 3, 1, 2, 7, 5, 6, 4]):
        f, i = words(normal.WORDS)
        for day in order:
            normal.learn(f, i, 0, MONDAY_MS + day * DAY_MS, 3 * DAY_MS, 10.0 + day**2)
        rows.append(f[1:].tolist())
    assert rows[0] == pytest.approx(rows[1], rel=1e-12)


def test_zscore_is_missing_without_history() -> None:
    """Fewer than five values say nothing of a customer's normal."""
    f, i = words(normal.WORDS)
    for second in range(4):
        normal.learn(f, i, 0, MONDAY_MS + second * 1000, DAY_MS, 10.0)
    assert np.isnan(normal.zscore(f, 0, 10.0))


def test_velocity_of_a_known_journey() -> None:
    """Shanghai to Beijing, 1,067 km as the crow flies, in two hours."""
    f, i = words(velocity.WORDS)
    assert np.isnan(velocity.travel(f, i, 0, MONDAY_MS, 31.2304, 121.4737))
    speed = velocity.travel(f, i, 0, MONDAY_MS + 7_200_000, 39.9042, 116.4074)
    assert speed == pytest.approx(1067 / 2, rel=0.005)


def test_velocity_takes_close_events_as_ten_minutes_apart() -> None:
    """A rough position a second later is not a flight."""
    f, i = words(velocity.WORDS)
    velocity.travel(f, i, 0, MONDAY_MS, 31.0, 121.0)
    assert velocity.travel(f, i, 0, MONDAY_MS + 1000, 31.1, 121.0) == pytest.approx(66.7, abs=0.1)


def test_velocity_of_a_late_event_is_from_the_place_before_it() -> None:
    """The flight between two places is seen although the second was told first."""
    f, i = words(velocity.WORDS)
    hour = 3_600_000
    for time, lat in ((0, 30.0), (3, 33.0)):
        velocity.travel(f, i, 0, MONDAY_MS + time * hour, lat, 121.0)
    late = velocity.travel(f, i, 0, MONDAY_MS + 2 * hour, 32.0, 121.0)
    assert late == pytest.approx(velocity.distance_km(30.0, 121.0, 32.0, 121.0) / 2)
    again = velocity.travel(f, i, 0, MONDAY_MS + 2 * hour + 1, 32.0, 121.0)
    assert again == 0.0
    assert np.isnan(velocity.travel(f, i, 0, MONDAY_MS, 31.0, 121.0))  # before both that are held
    after = velocity.travel(f, i, 0, MONDAY_MS + 4 * hour, 33.0, 121.0)
    assert after == 0.0  # from the place at three o'clock


def test_rarity_is_the_share_of_other_hours() -> None:
    """Fifteen of twenty events around ten o'clock make three in the morning rare."""
    _, i = words(rhythm.WORDS)
    for hour in [10] * 10 + [9] * 5 + [20] * 5:
        rhythm.learn(i, 0, hour)
    assert [rhythm.rarity(i, 0, hour) for hour in (10, 3, 21)] == [0.25, 1.0, 0.75]


def test_rarity_counters_halve_when_full() -> None:
    """Seventy thousand events leave the shares as they are and disturb no neighbour."""
    _, i = words(rhythm.WORDS)
    for _ in range(70_000):
        rhythm.learn(i, 0, 3)
    for _ in range(35_000):
        rhythm.learn(i, 0, 15)
    assert rhythm.rarity(i, 0, 15) == pytest.approx(1 - 35_000 / (70_000 / 2 + 35_000), abs=0.04)
    assert rhythm.rarity(i, 0, 8) == 1.0


def test_local_periods() -> None:
    """Sunday 23:59 and Monday 00:00 in Shanghai are different days and weeks, one month."""
    shanghai = LocalTime(ZoneInfo("Asia/Shanghai"))
    monday = MONDAY_MS - 8 * 3_600_000
    found = shanghai.calendar(np.array([monday - 60_000, monday]))
    day, week, month = found.periods
    assert (np.diff(day).item(), np.diff(week).item(), np.diff(month).item()) == (1, 1, 0)
    assert found.hours.tolist() == [23, 0]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "UTC"])
def test_periods_are_over_where_the_next_one_begins(zone: str) -> None:
    """A millisecond before its end a moment is in the period, at the end in the next."""
    local = LocalTime(ZoneInfo(zone))
    moments = np.arange(1_760_000_000_000, 1_800_000_000_000, 7_777_777)
    numbers, over, _ = local.calendar(moments)
    for unit in range(3):
        assert (over[unit] > moments).all()
        last, first = (local.calendar(over[unit] - back).periods for back in (1, 0))
        assert (last[unit] == numbers[unit]).all()
        assert (first[unit] == numbers[unit] + 1).all()


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])
def test_the_calendar_is_that_of_the_time_zone_database(zone: str) -> None:
    """Hour, day, week and month from 1970 to 2100, and around every change of the offset."""
    tz, steps = ZoneInfo(zone), np.arange(0, 4_100_000_000_000, 3_111_111_111_111 // 701)
    changes = LocalTime(tz)._starts[1:]
    moments = np.unique(np.concatenate([steps, changes, changes - 1]))
    periods, _, hours = LocalTime(tz).calendar(moments)
    for moment, (day, week, month), hour in zip(moments, periods.T, hours, strict=True):
        local = datetime.fromtimestamp(int(moment) // 1000, tz)
        days = local.date().toordinal() - date(1970, 1, 1).toordinal()
        months = (local.year - 1970) * 12 + local.month - 1
        expected = days + 1, (days + 3) // 7 + 1, months + 1, local.hour
        assert (day, week, month, hour) == expected


def test_local_time_follows_summer_time() -> None:
    """The hour changes to the second where the zone says so."""
    berlin = LocalTime(ZoneInfo("Europe/Berlin"))
    change = 1_774_746_000_000  # 2026-03-29T01:00:00Z
    assert berlin.calendar(np.array([change - 1, change])).hours.tolist() == [1, 3]
