"""Weekly hours against a naive oracle that looks at the local clock minute by minute."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.model.hours import DAYS, Weekly

MINUTE_MS = 60_000
WEEK = 7 * 24 * 60
EARLIER = 180
NEAR = 16 * 24 * 60
"""Minutes in which hours that ever change have changed, also if the clock skips a week's span."""

_TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
_SKIPPED = st.builds(time, st.sampled_from([1, 2, 3]), st.sampled_from([0, 10, 30]))
_ANY_TIME = st.one_of(_TIMES, _SKIPPED)
_SAME = _ANY_TIME.map(lambda clock: (clock, clock))
_HOURS = st.one_of(st.tuples(_ANY_TIME, _ANY_TIME), _SAME)
_DAYS = st.frozensets(st.integers(0, 6), min_size=1)
_ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York"])
_SUNDAYS = st.sampled_from(  # two of them change the clock in Berlin, two in New York
    [datetime(2026, *day, tzinfo=UTC) for day in ((3, 8), (3, 29), (6, 14), (10, 25), (11, 1))]
)
_MINUTES = st.integers(-WEEK - 1_440, 1_440)


def _wall_clock(zone: ZoneInfo, start: datetime) -> Iterator[datetime]:
    """What the local clock shows, minute by minute; it stands still while it is set back."""
    latest = start.astimezone(zone).replace(tzinfo=None)
    for n in range(NEAR):
        local = (start + timedelta(minutes=n)).astimezone(zone).replace(tzinfo=None)
        latest = max(latest, local)
        yield latest


def _naively_on(weekly: Weekly, shown: datetime) -> bool:
    """Whether a span that began today or yesterday is on, by what the clock shows."""
    today = shown.weekday() in weekly.days
    yesterday = (shown - timedelta(days=1)).weekday() in weekly.days
    clock = shown.time()
    if weekly.start < weekly.until:
        return today and weekly.start <= clock < weekly.until
    return (today and clock >= weekly.start) or (yesterday and clock < weekly.until)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp()) * 1000


@settings(max_examples=100, deadline=None)
@given(_DAYS, _HOURS, _ZONES, _SUNDAYS, _MINUTES)
def test_the_next_change_is_the_first_minute_that_differs(
    days: frozenset[int], hours: tuple[time, time], zone: str, sunday: datetime, minutes: int
) -> None:
    """On and off as the wall clock shows; a change is where that turns, or there is none."""
    weekly = Weekly(days, *hours, ZoneInfo(zone))
    start = sunday + timedelta(minutes=minutes)
    # From a few hours before, so that the clock of the start is known to stand still or not.
    shown = islice(_wall_clock(weekly.zone, start - timedelta(minutes=EARLIER)), EARLIER, None)
    on = (_naively_on(weekly, each) for each in shown)
    at_start = next(on)
    assert weekly.is_on(_ms(start)) == at_start
    turn = next((n for n, each in enumerate(on, 1) if each != at_start), None)
    expected = None if turn is None else _ms(start) + turn * MINUTE_MS
    assert weekly.next_change_ms(_ms(start)) == expected
    assert weekly.never_ends == (expected is None)


def test_a_weekend_ends_on_monday() -> None:
    """Saturday and Sunday from midnight to midnight are one span of two days."""
    zone = ZoneInfo("Asia/Shanghai")
    weekend = Weekly(frozenset({5, 6}), time(0), time(0), zone)
    saturday = datetime(2026, 11, 28, 12, tzinfo=zone)
    assert weekend.next_change_ms(_ms(saturday)) == _ms(datetime(2026, 11, 30, tzinfo=zone))


def test_hours_of_every_day_from_midnight_to_midnight_never_end() -> None:
    """There is no change to wait for, which configuration must refuse where one is needed."""
    always = Weekly(frozenset(range(len(DAYS))), time(0), time(0), ZoneInfo("Asia/Shanghai"))
    assert always.never_ends
    assert always.next_change_ms(0) is None
