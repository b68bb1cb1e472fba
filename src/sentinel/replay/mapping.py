"""Mapping files: how the columns of foreign data become the fields of our events.

```yaml
stream: transaction
encoding: gb18030                                  # of a text file, else UTF-8
delimiter: ";"                                     # of delimited text, else by the file's name
decimal: ","                                       # then 1.234,50 is a number
only: {STATE: [booked]}                            # other rows are skipped
fields:
  event_id: {template: "tx-{ID}"}                  # text with columns in it
  event_time: {from: DATE, format: "%d-%m-%Y", zone: Europe/Berlin}
  customer_id: CUSTOMER                            # a column as it is
  kind: {value: card}                              # a constant
  channel: {from: VIA, choices: {Web: app}, otherwise: branch}
  direction: {sign_of: CENTS, choices: {"-": debit, "+": credit}}
  amount: {from: CENTS, absolute: true, scale: 0.01, default: 0}
  currency: {from: CUR, upper: true}               # in capitals
  counterparty_id: [IBAN, ACCOUNT]                 # the first of these that a row has
```

A field's own type says whether it is read as text, number, true/false or time, so a
mapping does not repeat it.  A value that cannot be converted is passed on as it stands:
ingest then refuses the event, and the dead letter shows the value.  Columns that no
field names are left out.  ``lines`` turns text logs into columns: regular expressions
with named groups, the first that is found in a line gives its columns.  ``root`` is the
path of the JSON object that has the columns, or of an array of such objects.  ``{row}`` is
the row's number, from 1, unless the file has a column of that name.

A time that states its zone is read as it is.  Others need ``zone``, and ``format`` (strptime's)
or ``unit`` and ``since`` if they are counted; without either a number is in milliseconds.
A format without a year gives the last such time before the file was written.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from sentinel.model.columns import FIELDS
from sentinel.model.document import Document, WrongTextError
from sentinel.model.duration import parse_duration
from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.model.expression import Expression, compile_expression
from sentinel.model.file import read_document
from sentinel.replay.block import ReplayError

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
_SHIPPED = Path(__file__).resolve().parent.parent / "configs" / "mappings"

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


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    stream: Stream
    fields: dict[str, Any]
    lines: list[str] = []
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    root: str | None = None
    only: dict[str, list[str]] = {}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping: one stream's fields, and how its file is to be read.

    ``patterns`` are there where the file is a text log; ``is_own`` where there is no mapping.
    """

    stream: Stream
    fields: dict[str, Field]
    patterns: tuple[Expression, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    root: str | None = None
    only: dict[str, list[str]] = field(default_factory=dict)

    def columns(self) -> list[str]:
        """The columns that the mapping reads, each once, in the order of the fields."""
        read = [name for field in self.fields.values() for name in field.columns()]
        return list(dict.fromkeys([*read, *self.only]))


def identity(stream: Stream, columns: Iterable[str]) -> Mapping:
    """The mapping of a table whose columns already have our names."""
    known = set(columns)
    return Mapping(
        stream,
        {
            name: Field(column=name)
            for name in FIELDS[stream]
            if name in known or is_required(stream, name)
        },
    )


def shipped() -> list[str]:
    """Names of the mappings that come with Sentinel."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def read(name: str) -> Mapping:
    """A mapping by path, or a shipped one by name.

    Raises ConfigError for what is wrong in it, ReplayError and OSError where it is not
    to be had.
    """
    path = Path(name)
    if name in shipped():
        path = _SHIPPED / f"{name}.yaml"
    elif not path.suffix:
        known = ", ".join(shipped())
        raise ReplayError(f'no mapping "{name}": give a file, or one of {known}')
    return load(read_document(path))


def load(document: Document) -> Mapping:
    """Check a mapping document; raises ConfigError at the first thing that is wrong."""
    from sentinel.replay import mapping_check as check  # noqa: PLC0415 - checks know the types

    spec = document.convert(_File)
    check.check_reading(document)
    patterns = tuple(_pattern(document, place, text) for place, text in enumerate(spec.lines))
    fields = {name: check.checked(document, spec.stream, name) for name in spec.fields}
    for name in FIELDS[spec.stream]:
        if name not in fields and is_required(spec.stream, name):
            raise document.error(("fields",), f'a {spec.stream} needs the field "{name}"')
    mapping = Mapping(
        spec.stream,
        fields,
        patterns,
        spec.encoding,
        spec.delimiter,
        spec.decimal,
        spec.root,
        spec.only,
    )
    if patterns:
        check.check_groups(document, mapping)
    return mapping


def is_required(stream: Stream, name: str) -> bool:
    """Whether every event of the stream has the field."""
    kinds = msgspec.structs.fields(EVENT_TYPES[stream])
    return any(each.name == name and each.required for each in kinds)


def _pattern(document: Document, place: int, text: str) -> Expression:
    try:
        return compile_expression(text)
    except WrongTextError as error:
        raise document.wrong_text(("lines", place), error) from None
