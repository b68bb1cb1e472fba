"""Terms as they are written: a number of days with its unit, or a last day."""

import datetime as dt

import pytest

from sentinel.complaints.term import Term, parse_extended, parse_term
from sentinel.model.document import WrongTextError

RECEIVED = dt.date(2026, 3, 2)


@pytest.mark.parametrize("text", ["1d", "15wd", "30d", "200wd"])
def test_a_term_reads_as_it_is_written(text: str) -> None:
    """Both units, from 1 to 200 days."""
    assert str(parse_term(text)) == text


@pytest.mark.parametrize(
    "text", [15, "15", True, None, "", "d", "15 d", "-1d", "1.5d", "0d", "201d"]
)
def test_what_is_no_term_is_refused(text: object) -> None:
    """Above all a number without its unit, quoted or not."""
    with pytest.raises(WrongTextError):
        parse_term(text)


@pytest.mark.parametrize(
    ("term", "other", "never_before"),
    [
        ("30wd", "30wd", True),
        ("31wd", "30d", True),
        ("30wd", "30d", True),
        ("40d", "30d", True),
        ("29wd", "30d", False),  # may be later on some days, and earlier on others
        ("200d", "30wd", False),
    ],
)
def test_terms_of_two_units_are_compared_only_where_it_is_sure(
    term: str, other: str, *, never_before: bool
) -> None:
    """Working days take at least as long as as many calendar days; no more is sure."""
    assert parse_term(term).never_ends_before(parse_term(other)) is never_before


@pytest.mark.parametrize(
    ("text", "days"), [("2026-03-03", 1), ("2026-04-01", 30), ("2026-03-02", 0), ("2026-03-01", -1)]
)
def test_a_last_day_is_a_term_in_calendar_days(text: str, days: int) -> None:
    """Counted from the day of receipt; a day before it extends nothing."""
    assert parse_extended(text, RECEIVED) == Term(days, working=False)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "20260401", "9999-12-31", "0001-01-01", "soon", "30"]
)
def test_a_day_that_is_none_is_an_error(text: str) -> None:
    """Also one in no year that an event may have."""
    with pytest.raises(ValueError, match=r"."):
        parse_extended(text, RECEIVED)
