"""The mapping of one event field: where its value comes from and how it is converted."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from sentinel.model.duration import parse_duration

ROW = "row"
Unit = Literal["ns", "us", "ms", "s", "min", "h", "day"]
UNITS_MS: dict[Unit, Decimal] = {
    "ns": Decimal("0.000001"),
    "us": Decimal("0.001"),
    "ms": Decimal(1),
    "s": Decimal(1_000),
    "min": Decimal(60_000),
    "h": Decimal(3_600_000),
    "day": Decimal(86_400_000),
}
_WITH_YEAR = ("%Y", "%y", "%G", "%c", "%x")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")

Scalar = str | bool | int | float


class Ticks(Struct, frozen=True, forbid_unknown_fields=True):
    """Times for data that has none: row 1 at ``start`` (RFC 3339), then one ``every``."""

    start: str
    every: str

    def start_ms(self) -> int:
        """``start`` in milliseconds UTC."""
        return int(datetime.fromisoformat(self.start).timestamp() * 1000)

    def every_ms(self) -> int:
        """``every`` in milliseconds."""
        return parse_duration(self.every)


class Scale(Struct, frozen=True, forbid_unknown_fields=True):
    """A factor that another column chooses, such as a currency its smallest unit."""

    by: str
    choices: dict[str, float]
    otherwise: float


class Field(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where one event field comes from and how it is converted."""

    column: str | list[str] | None = msgspec.field(default=None, name="from")
    template: str | None = None
    sign_of: str | None = None  # "-" or "+" of a number
    value: Scalar | UnsetType = UNSET
    sequence: Ticks | None = None
    choices: dict[str, Scalar] | None = None
    otherwise: Scalar | UnsetType = UNSET  # for a value that is not among the choices
    default: Scalar | UnsetType = UNSET  # for a value that is missing
    scale: float | Scale | None = None  # a number is multiplied by it
    absolute: bool = False  # a number loses its sign
    cut: int | None = None  # a text keeps at most so many characters
    upper: bool = False  # a text is in capitals
    format: str | None = None  # of a time: strptime's
    unit: Unit | None = None  # of a time that is a number
    since: str | None = None  # when that number was 0, else 1970
    zone: str | None = None  # of a time that names none
    year: int | None = None  # of a time whose format has none

    @property
    def has_year(self) -> bool:
        """Whether the format has one."""
        return self.format is None or any(code in self.format for code in _WITH_YEAR)

    def parts(self) -> list[str]:
        """The template cut at its columns: text, column, text, ... , text."""
        return _PLACEHOLDER.split(self.template or "")

    def alternatives(self) -> list[str]:
        """The columns of which a row's first that is not missing is read."""
        if self.sign_of is not None:
            return [self.sign_of]
        return [self.column] if isinstance(self.column, str) else self.column or []

    def columns(self) -> list[str]:
        """The columns that this field may read."""
        chooser = [self.scale.by] if isinstance(self.scale, Scale) else []
        return (self.alternatives() or self.parts()[1::2]) + chooser
