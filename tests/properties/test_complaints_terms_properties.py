"""Deadlines of mixed units against a naive count of days: the first to end holds."""

import datetime as dt

import chinese_calendar
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.complaints.books import SHANGHAI, book, ms, process

from sentinel.complaints import Complaints, Duty, Notice

DAY = dt.timedelta(days=1)
HOUR_MS = 3_600_000
LONG_AFTER_MS = 400 * 24 * HOUR_MS

terms = st.tuples(st.integers(1, 30), st.sampled_from(["d", "wd"]))
receipts = st.integers(ms("2015-01-01T00:00"), ms("2025-12-01T00:00"))
last_days = st.integers(-5, 80)
extensions = st.none() | st.tuples(st.integers(1, 80), st.sampled_from(["d", "wd"])) | last_days


def _local_day(time_ms: int) -> dt.date:
    return dt.datetime.fromtimestamp(time_ms // 1000, SHANGHAI).date()


def _last_day(received: dt.date, term: tuple[int, str]) -> dt.date:
    """Day by day, by another reading of the State Council's notices."""
    days, unit = term
    day = received
    while days:
        day += DAY
        days -= unit == "d" or chinese_calendar.is_workday(day)
    return day


def _written(term: tuple[int, str]) -> str:
    return f"{term[0]}{term[1]}"


def _deadline(notices: list[Notice]) -> dt.date:
    """The last day of the first deadline to resolve that has passed."""
    due_ms = next(
        each.due_ms or 0 for each in notices if each.duty is Duty.RESOLVE and each.fraction == 1
    )
    return _local_day(due_ms - 1000)


def _book(
    default: tuple[int, str], channel: tuple[int, str] | None, category: tuple[int, str] | None
) -> Complaints:
    app = f"  app: {{resolve: {_written(channel)}}}" if channel else "  app: {}"
    fees = f"{{fees: {{resolve: {_written(category)}}}}}" if category else "{}"
    return book(
        ("resolve: 15d, maximum", f"resolve: {_written(default)}, maximum"),
        ("channels:\n", f"channels:\n{app}\n"),
        ("categories: {} ", f"categories: {fees} "),
    )


@settings(max_examples=300, deadline=None)
@given(receipts, terms, st.none() | terms, st.none() | terms, extensions)
def test_the_first_term_to_end_holds_extended_up_to_the_maximum(
    start_ms: int,
    default: tuple[int, str],
    channel: tuple[int, str] | None,
    category: tuple[int, str] | None,
    extension: tuple[int, str] | int | None,
) -> None:
    """An extension never shortens a term, and never goes beyond thirty working days."""
    complaints = _book(default, channel, category)
    day = _local_day(start_ms)
    maximum = _last_day(day, (30, "wd"))
    own = [term for term in (channel, category) if term] or [default]
    expected = min(maximum, *(_last_day(day, term) for term in own))
    process(complaints, "received", start_ms, channel="app")
    if extension is not None:
        if isinstance(extension, int):
            asked = day + extension * DAY
            text = asked.isoformat()
        else:
            asked, text = _last_day(day, extension), _written(extension)
        process(
            complaints,
            "investigating",
            start_ms + 1,
            channel="app",
            extended_to=text,
            approved_by="chief",
        )
        expected = max(expected, min(asked, maximum))
    assert _deadline(complaints.advance(start_ms + LONG_AFTER_MS)) == expected


@settings(max_examples=100, deadline=None)
@given(receipts, terms)
def test_warnings_come_at_their_share_of_the_time_that_the_unit_counts(
    start_ms: int, term: tuple[int, str]
) -> None:
    """Half of the hours: of all days for `d`, of working days only for `wd`."""
    complaints = _book(term, None, None)
    process(complaints, "received", start_ms)
    warnings = complaints.advance(start_ms + LONG_AFTER_MS)
    half = next(each for each in warnings if each.duty is Duty.RESOLVE)
    counted = [0, 0]
    moment = start_ms
    while moment < (half.due_ms or 0):
        local = dt.datetime.fromtimestamp(moment // 1000, SHANGHAI)
        following = dt.datetime.combine(local.date() + DAY, dt.time(), SHANGHAI)
        end = int(following.timestamp()) * 1000
        if term[1] == "d" or chinese_calendar.is_workday(local.date()):
            counted[0] += max(0, min(end, half.at_ms) - moment)
            counted[1] += end - moment
        moment = end
    assert abs(counted[0] - counted[1] / 2) <= 1
