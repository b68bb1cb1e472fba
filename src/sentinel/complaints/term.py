"""Terms of complaints: a number of days with its unit, calendar days or working days."""

import datetime as dt
import re

from msgspec import Struct

from sentinel.model.document import WrongTextError

MAX_DAYS = 200
"""The longest term, so that a table of two years of working days is always enough."""

_FORM = re.compile(r"([0-9]{1,9})(wd|d)")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_YEARS = range(1990, 2100)  # of the times that events may have


class Term(Struct, frozen=True):
    """``days`` days after the day of receipt: working days, or calendar days."""

    days: int
    working: bool

    def __str__(self) -> str:
        return f"{self.days}{'wd' if self.working else 'd'}"

    def never_ends_before(self, other: "Term") -> bool:
        """Whether it ends no earlier than ``other``, whatever the calendar of working days.

        Working days take at least as long as the same number of calendar days.
        """
        return self.days >= other.days and (self.working or not other.working)


def parse_term(text: object) -> Term:
    """The term that ``text`` writes; raises WrongTextError.

    >>> parse_term("15wd")
    Term(days=15, working=True)
    """
    if isinstance(text, int) or (isinstance(text, str) and text.isdecimal()):
        raise WrongTextError(
            f"{text} has no unit", f"`{text}wd` working days, `{text}d` calendar days"
        )
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise WrongTextError(f'"{text}" is not a term', "`15wd` working days, `15d` calendar days")
    days = int(match[1])
    if not 1 <= days <= MAX_DAYS:
        raise WrongTextError(f"{text} is not from 1 to {MAX_DAYS} days")
    return Term(days, working=match[2] == "wd")


def parse_extended(text: str, received: dt.date) -> Term:
    """The term that a complaint received on ``received`` is extended to.

    ``text`` is a term, counted from the receipt like every other, or the last day, like
    ``2026-04-15``.  A day before the receipt gives a term of no or negative days, which
    extends nothing.  Raises ValueError if it is neither.
    """
    if not _DAY.fullmatch(text):
        return parse_term(text)
    day = dt.date.fromisoformat(text)
    if day.year not in _YEARS:
        raise ValueError(f"{text} is not between {_YEARS[0]} and {_YEARS[-1] + 1}")
    return Term((day - received).days, working=False)
