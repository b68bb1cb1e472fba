"""Numbers as people and machines write them become JSON numbers; no decimal is lost on the way.

A point or comma in a number is a decimal mark in one country and a mark of thousands in another.
So a mark of thousands is read only where the mapping names the decimal mark, and a
column without either may not have numbers that can be read both ways: beside
``98,76``, ``1.000`` is a thousand or a mistake, but not one.
"""

import re
from dataclasses import dataclass
from decimal import Context, Decimal

import pyarrow as pa
import pyarrow.compute as pc

_JSON_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"
_EXACT = Context(prec=80)  # of at most 40 digits each, a product has them all
_LONGEST = 40  # digits that are written without an exponent
_OTHER_MARK = {".": ",", ",": "."}
_BLANKS = " \u00a0\u2009\u202f'\u2019"  # between thousands, in some country


def _written(decimal: str, thousands: str) -> re.Pattern[str]:
    grouped = f"[0-9]{{1,3}}(?:[{re.escape(thousands)}][0-9]{{3}})+|" if thousands else ""
    return re.compile(
        rf"(?P<sign>[+-]?)(?P<whole>{grouped}[0-9]*)(?:{re.escape(decimal)}(?P<part>[0-9]*))?"
        r"(?P<power>[eE][+-]?[0-9]{1,3})?"
    )


_PATTERNS = {
    None: _written(".", ""),
    ".": _written(".", _OTHER_MARK["."] + _BLANKS),
    ",": _written(",", _OTHER_MARK[","] + _BLANKS),
}
_COMMA = r"^[+-]?[0-9.]*[0-9],[0-9]+$"
_EITHER = r"^[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+$"


def token(text: str, decimal: str | None = None) -> str | None:
    """The JSON number that ``text`` is, digit by digit; None where it is none.

    >>> token("1.234,50", ","), token("007"), token("0E-8"), token("1,200")
    ('1234.50', '7', '0E-8', None)
    """
    found = _PATTERNS[decimal].fullmatch(text)
    if found is None:
        return None
    whole = "".join(filter(str.isdigit, found["whole"]))
    part = found["part"] or ""
    if not whole and not part:
        return None
    sign = "-" if found["sign"] == "-" else ""
    point = f".{part}" if part else ""
    return f"{sign}{whole.lstrip('0') or '0'}{point}{found['power'] or ''}"


def tokens(text: pa.Array, decimal: str | None) -> pa.Array:
    """The JSON numbers of texts; null where a text is none or is missing."""
    if decimal != ",":
        fits = pc.match_substring_regex(text, _JSON_NUMBER)
        if pc.all(fits).as_py() is not False:
            return text
    return pa.array(
        [None if each is None else token(each, decimal) for each in text.to_pylist()], pa.string()
    )


def scaled(numbers: pa.Array, scales: list[Decimal | None]) -> pa.Array:
    """Exact products of JSON numbers and what each is to be multiplied by; null without one."""
    products = [
        None if number is None or scale is None else _product(number, scale)
        for number, scale in zip(numbers.to_pylist(), scales, strict=True)
    ]
    return pa.array(products, pa.string())


def _product(number: str, scale: Decimal) -> str:
    product = _EXACT.multiply(Decimal(number), scale)
    return format(product, "f") if abs(product.adjusted()) < _LONGEST else str(product)


@dataclass(slots=True)
class Marks:
    """Whether a column's numbers can be read both ways: rows of the first of either kind."""

    comma: int | None = None
    either: int | None = None

    def look(self, text: pa.Array, rows: pa.Array) -> bool:
        """Look at more of the column's texts; True once it has both kinds."""
        if self.comma is None:
            self.comma = _first(_COMMA, text, rows)
        if self.either is None:
            self.either = _first(_EITHER, text, rows)
        return self.comma is not None and self.either is not None


def _first(pattern: str, text: pa.Array, rows: pa.Array) -> int | None:
    found = pc.index(pc.match_substring_regex(text, pattern), value=True).as_py()
    return None if found < 0 else int(rows[found])
