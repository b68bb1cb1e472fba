"""Working days against chinesecalendar, another reading of the same notices."""

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.complaints.calendar import WorkingCalendar
from sentinel.complaints.policy import read_policy
from sentinel.complaints.term import MAX_DAYS, Term
from sentinel.model.document import parse

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHIPPED = (Path(__file__).parents[3] / "configs" / "complaints.yaml").read_text(encoding="utf-8")
CALENDAR = read_policy(parse(SHIPPED, "complaints.yaml"), SHANGHAI).calendar
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
FIRST, LAST = dt.date(2015, 1, 1), dt.date(2026, 12, 31)


def ms(text: str) -> int:
    """Milliseconds UTC of a local time in Shanghai."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


def _wd(days: int) -> Term:
    return Term(days, working=True)


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    return (first + dt.timedelta(days=i) for i in range((last - first).days + 1))


def test_working_days_equal_chinesecalendar_on_every_day() -> None:
    """2015 to 2026, 4,383 days, by the shipped configuration."""
    different = [
        day
        for day in _days(FIRST, LAST)
        if CALENDAR.is_working_day(day) != chinese_calendar.is_workday(day)
    ]
    assert different == []


def test_the_one_day_before_2015_on_which_the_two_differ() -> None:
    """31 December 2005: worked, by the notice for 2006, says the package; a Saturday, the other."""
    different = [
        day
        for day in _days(dt.date(2004, 1, 1), FIRST)
        if CALENDAR.is_working_day(day) != chinese_calendar.is_workday(day)
    ]
    assert different == [dt.date(2005, 12, 31)]
    assert CALENDAR.is_working_day(different[0])


def test_deadlines_equal_a_naive_count_from_every_day() -> None:
    """1 to 30 working days from every day whose count chinesecalendar can finish."""
    works = [day for day in _days(FIRST, LAST) if chinese_calendar.is_workday(day)]
    ordinals = [day.toordinal() for day in works]
    offset = 8 * HOUR_MS
    epoch = dt.date(1970, 1, 1).toordinal()
    for day in _days(FIRST, LAST):
        after = ordinals[bisect_right(ordinals, day.toordinal()) :]
        start_ms = (day.toordinal() - epoch) * DAY_MS - offset + (day.toordinal() % 24) * HOUR_MS
        for count, due in enumerate(after[:30], 1):
            assert CALENDAR.deadline_ms(start_ms, _wd(count)) == (due + 1 - epoch) * DAY_MS - offset


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-02-13T23:59:59", 1, "2026-02-15T00:00"),  # the Saturday is worked
        ("2026-02-14T00:00", 1, "2026-02-25T00:00"),  # then comes the Spring Festival
        ("2026-02-18T12:00", 2, "2026-02-26T00:00"),  # received on a holiday
        ("2025-09-30T09:00", 1, "2025-10-10T00:00"),
        ("2026-12-31T10:00", 1, "2027-01-05T00:00"),  # across the year
    ],
)
def test_deadlines_by_hand(start: str, days: int, due: str) -> None:
    """The day of receipt does not count; the deadline is the midnight that ends the last day."""
    assert CALENDAR.deadline_ms(ms(start), _wd(days)) == ms(due)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-03-02T00:00", 15, "2026-03-18T00:00"),  # weekends count
        ("2026-03-02T23:59:59", 1, "2026-03-04T00:00"),
        ("2026-02-13T12:00", 5, "2026-02-19T00:00"),  # ends in the Spring Festival: not moved
        ("2026-12-31T10:00", 30, "2027-01-31T00:00"),
    ],
)
def test_calendar_days_count_every_day(start: str, days: int, due: str) -> None:
    """From the day after the receipt to a midnight, on a holiday as on any day."""
    assert CALENDAR.deadline_ms(ms(start), Term(days, working=False)) == ms(due)


def test_a_calendar_day_is_as_long_as_the_zone_makes_it() -> None:
    """The midnight is local: across the change to summer time a day has 23 hours."""
    calendar = WorkingCalendar(ZoneInfo("Europe/Berlin"))
    start = int(dt.datetime(2026, 3, 28, 12, tzinfo=calendar.zone).timestamp() * 1000)
    due = calendar.deadline_ms(start, Term(1, working=False))
    assert due - start == (12 + 23) * HOUR_MS


def test_fractions_of_calendar_time_count_every_hour() -> None:
    """Received on Friday noon, one calendar day: half of 36 hours are over on Saturday at six."""
    start = ms("2026-03-06T12:00")
    due = CALENDAR.deadline_ms(start, Term(1, working=False))
    assert CALENDAR.fraction_ms(start, due, 0.5, working=False) == ms("2026-03-07T06:00")


@pytest.mark.parametrize(
    ("fraction", "moment"),
    [(0.25, "2026-03-03T03:00"), (0.5, "2026-03-03T18:00"), (1.0, "2026-03-05T00:00")],
)
def test_fractions_count_time_on_working_days_only(fraction: float, moment: str) -> None:
    """Received at noon of a working Monday, two days: 12 + 24 + 24 hours."""
    start = ms("2026-03-02T12:00")
    due = CALENDAR.deadline_ms(start, _wd(2))
    assert CALENDAR.fraction_ms(start, due, fraction, working=True) == ms(moment)


def test_a_weekend_uses_nothing_up() -> None:
    """Received on Friday noon, one day: half of 36 hours are used on Monday at six."""
    start = ms("2026-03-06T12:00")
    due = CALENDAR.deadline_ms(start, _wd(1))
    assert CALENDAR.fraction_ms(start, due, 0.5, working=True) == ms("2026-03-09T06:00")
    assert CALENDAR.fraction_ms(start, due, 1 / 3, working=True) == ms("2026-03-07T00:00")


def test_received_on_a_weekend_the_term_begins_on_monday() -> None:
    """Half of one day is Monday noon, whether it came on Saturday or on Sunday."""
    for start in (ms("2026-03-07T00:00"), ms("2026-03-07T12:00"), ms("2026-03-08T23:00")):
        due = CALENDAR.deadline_ms(start, _wd(1))
        assert CALENDAR.fraction_ms(start, due, 0.5, working=True) == ms("2026-03-09T12:00")


@given(
    st.integers(0, 4_102_444_799_999),
    st.integers(1, MAX_DAYS),
    st.lists(st.floats(0.001, 1), min_size=2, max_size=4).map(sorted),
)
def test_fractions_rise_from_start_to_deadline(start: int, days: int, at: list[float]) -> None:
    """For any time that an event may have, in any year, the whole is the deadline."""
    due = CALENDAR.deadline_ms(start, _wd(days))
    moments = [CALENDAR.fraction_ms(start, due, fraction, working=True) for fraction in [*at, 1.0]]
    assert start <= moments[0]
    assert moments == sorted(moments)
    assert moments[-1] == due


def test_a_year_is_published_when_its_notice_is_known() -> None:
    """By the package until 2026; by naming its days from then on."""
    assert all(map(CALENDAR.is_published, range(2001, 2027)))
    assert not any(map(CALENDAR.is_published, range(2027, 2101)))
    assert WorkingCalendar(SHANGHAI, off=frozenset({dt.date(2027, 2, 11)})).is_published(2027)


@pytest.mark.parametrize(
    ("start", "days", "provisional"),
    [
        ("2026-12-01T10:00", 15, False),  # until the 22nd
        ("2026-12-10T10:00", 15, True),  # until the 31st, which the notice for 2027 arranges
        ("2026-12-31T10:00", 5, True),
        ("2025-12-25T10:00", 30, False),
        ("2027-06-01T10:00", 1, True),
    ],
)
def test_deadlines_in_unpublished_years_are_provisional(
    start: str, days: int, provisional: bool
) -> None:
    """So are those in the last days of the year before, which the notice may move."""
    due = CALENDAR.deadline_ms(ms(start), _wd(days))
    assert CALENDAR.is_provisional(ms(start), due) is provisional


def test_a_years_working_days_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of deadlines and warnings cost one table per year of their starts."""
    built: list[tuple[int, ...]] = []
    package = holidays.country_holidays

    def counted(country: str, *, years: tuple[int, ...], expand: bool) -> holidays.HolidayBase:
        built.append(years)
        return package(country, years=years, expand=expand)

    monkeypatch.setattr("sentinel.complaints.calendar.holidays.country_holidays", counted)
    calendar = WorkingCalendar(SHANGHAI)
    for start in (ms("2026-01-01T00:00") + i * 7_919_000 for i in range(5_000)):
        due = calendar.deadline_ms(start, _wd(15))
        for fraction in (0.5, 0.8, 1.0):
            calendar.fraction_ms(start, due, fraction, working=True)
    assert built == [(2026, 2027), (2027, 2028)]
