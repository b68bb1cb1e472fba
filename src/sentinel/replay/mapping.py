"""Mapping files: how the columns of foreign data become the fields of our events.

```yaml
stream: transaction
fields:
  event_id: {template: "tx-{ID}"}                  # text with columns in it
  event_time: {from: DATE, format: "%d-%m-%Y"}     # a column, converted
  customer_id: CUSTOMER                            # a column as it is
  kind: {value: card}                              # a constant
  channel: {from: VIA, choices: {Web: app}, otherwise: branch}
  amount: {from: CENTS, scale: 0.01, default: 0}
```

A field's own type says whether it is read as text, number, true/false or time, so a
mapping does not repeat it.  A value that cannot be converted is passed on as it stands:
ingest then refuses the event, and the dead letter shows the value.  Columns that no
field names are left out.  ``lines`` turns text logs into columns: regular expressions
with named groups, the first that is found in a line gives its columns.  ``{row}`` is the
row's number, from 1, unless the file has a column of that name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Struct, UnsetType

from sentinel.model.columns import FIELDS, Kind
from sentinel.model.document import ConfigError, Document, WrongTextError, did_you_mean, parse
from sentinel.model.duration import parse_duration
from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.model.expression import Expression, compile_expression
from sentinel.replay.block import ReplayError

ROW = "row"
EPOCHS_MS = {"epoch_s": 1000, "epoch_ms": 1}
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


class Field(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where one event field comes from and how it is converted."""

    column: str | None = msgspec.field(default=None, name="from")
    template: str | None = None
    value: Scalar | UnsetType = UNSET
    sequence: Ticks | None = None
    choices: dict[str, Scalar] | None = None
    otherwise: Scalar | UnsetType = UNSET  # for a value that is not among the choices
    default: Scalar | UnsetType = UNSET  # for a value that is missing
    scale: float | None = None  # a number is multiplied by it
    cut: int | None = None  # a text keeps at most so many characters
    format: str | None = None  # of a time: strptime's, epoch_s or epoch_ms; else RFC 3339
    zone: str = "UTC"  # of a time that names none
    year: int | None = None  # of a time whose format has none

    def parts(self) -> list[str]:
        """The template cut at its columns: text, column, text, ... , text."""
        return _PLACEHOLDER.split(self.template or "")

    def columns(self) -> list[str]:
        """The columns that this field reads."""
        return [self.column] if self.column is not None else self.parts()[1::2]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    stream: Stream
    fields: dict[str, Any]
    lines: list[str] = []


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping: one stream's fields, and patterns where the file is a text log."""

    stream: Stream
    fields: dict[str, Field]
    patterns: tuple[Expression, ...] = ()

    def columns(self) -> list[str]:
        """The columns that the fields read, each once, in the order of the fields."""
        read = (name for field in self.fields.values() for name in field.columns())
        return list(dict.fromkeys(read))


def identity(stream: Stream, columns: Iterable[str]) -> Mapping:
    """The mapping of a table whose columns already have our names."""
    known = set(columns)
    return Mapping(
        stream,
        {
            name: Field(column=name)
            for name in FIELDS[stream]
            if name in known or _is_required(stream, name)
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
    return load(parse(path.read_text("utf-8"), str(path)))


def load(document: Document) -> Mapping:
    """Check a mapping document; raises ConfigError at the first thing that is wrong."""
    spec = document.convert(_File)
    patterns = tuple(_pattern(document, place, text) for place, text in enumerate(spec.lines))
    fields = {name: _field(document, spec.stream, name) for name in spec.fields}
    for name in FIELDS[spec.stream]:
        if name not in fields and _is_required(spec.stream, name):
            raise document.error(("fields",), f'a {spec.stream} needs the field "{name}"')
    mapping = Mapping(spec.stream, fields, patterns)
    if patterns:
        _check_groups(document, mapping)
    return mapping


def _is_required(stream: Stream, name: str) -> bool:
    kinds = msgspec.structs.fields(EVENT_TYPES[stream])
    return any(each.name == name and each.required for each in kinds)


def _pattern(document: Document, place: int, text: str) -> Expression:
    try:
        return compile_expression(text)
    except WrongTextError as error:
        raise document.wrong_text(("lines", place), error) from None


def _check_groups(document: Document, mapping: Mapping) -> None:
    groups = {name for pattern in mapping.patterns for name in pattern.groupindex} | {ROW}
    for name, field in mapping.fields.items():
        for column in field.columns():
            if column not in groups:
                message = f'no pattern in lines has a group named "{column}"'
                raise document.error(("fields", name), message, did_you_mean(column, groups))


def _field(document: Document, stream: Stream, name: str) -> Field:
    column = FIELDS[stream].get(name)
    if column is None:
        line, place = document.key_position("fields", name)
        hint = did_you_mean(name, FIELDS[stream])
        message = f'a {stream} has no field "{name}"'
        raise ConfigError(document.path, line, place, message, hint)
    spec = document.data["fields"][name]
    if isinstance(spec, str):
        return Field(column=spec)
    if not isinstance(spec, dict):
        raise document.error(("fields", name), "expected a column's name or a mapping")
    field = document.part("fields", name).convert(Field)
    _check_origin(document, name, field)
    _check_kind(document, name, field, column.kind)
    _check_constants(document, stream, name, field)
    return field


def _check_origin(document: Document, name: str, field: Field) -> None:
    origins = ("from", "template", "value", "sequence")
    given = [key for key in origins if key in document.data["fields"][name]]
    if len(given) != 1:
        raise document.error(
            ("fields", name), "needs exactly one of from, template, value and sequence"
        )
    if field.template is not None and not field.columns():
        raise document.error(
            ("fields", name, "template"), "names no {COLUMN}", "a constant is written value:"
        )
    if name == "event_id" and field.value is not UNSET:
        raise document.error(("fields", name), "every event needs an id of its own")
    if field.otherwise is not UNSET and field.choices is None:
        raise document.error(("fields", name, "otherwise"), "stands only beside choices")


def _check_kind(document: Document, name: str, field: Field, kind: Kind) -> None:
    given = document.data["fields"][name]
    fits = {
        "sequence": (kind is Kind.TIME, "a time"),
        "format": (kind is Kind.TIME, "a time"),
        "zone": (kind is Kind.TIME, "a time"),
        "year": (kind is Kind.TIME, "a time"),
        "scale": (kind is Kind.NUMBER, "a number"),
        "cut": (kind in {Kind.STRING, Kind.CODE}, "a text"),
    }
    for key, (fit, owner) in fits.items():
        if key in given and not fit:
            raise document.error(("fields", name, key), f"only {owner} has {key}")
    if field.cut is not None and field.cut < 1:
        raise document.error(("fields", name, "cut"), "expected at least 1")
    if kind is Kind.TIME:
        _check_time(document, name, field)


def _check_time(document: Document, name: str, field: Field) -> None:
    try:
        ZoneInfo(field.zone)
    except (KeyError, OSError, ValueError):  # by its name: unknown, a folder, outside
        message = f'"{field.zone}" is not a time zone'
        raise document.error(("fields", name, "zone"), message) from None
    strptime = field.format is not None and field.format not in EPOCHS_MS
    has_year = not strptime or any(code in str(field.format) for code in ("%Y", "%y", "%c", "%x"))
    if has_year and field.year is not None:
        raise document.error(("fields", name, "year"), "the format has a year of its own")
    if not has_year and field.year is None:
        raise document.error(("fields", name, "format"), "has no year", "add year:")
    if field.sequence is None:
        return
    try:
        field.sequence.every_ms()
    except ValueError as error:
        raise document.error(("fields", name, "sequence", "every"), str(error)) from None
    try:
        start = datetime.fromisoformat(field.sequence.start)
    except ValueError:
        start = datetime.min  # noqa: DTZ901  # no zone: refused below like any such text
    if start.tzinfo is None:
        message = f'"{field.sequence.start}" is not a moment like 2026-01-05T10:00:00+08:00'
        raise document.error(("fields", name, "sequence", "start"), message)


def _check_constants(document: Document, stream: Stream, name: str, field: Field) -> None:
    """Constants must be what the event allows, so that no replay fails on every row."""
    constants: list[tuple[tuple[str, ...], Scalar | UnsetType]] = [
        (("value",), field.value),
        (("otherwise",), field.otherwise),
        (("default",), field.default),
        *((("choices", key), value) for key, value in (field.choices or {}).items()),
    ]
    kinds = {each.name: each.type for each in msgspec.structs.fields(EVENT_TYPES[stream])}
    for place, value in constants:
        if value is UNSET:
            continue
        try:
            msgspec.convert(value, kinds[name], strict=True)
        except msgspec.ValidationError as error:
            hint = did_you_mean(str(value), FIELDS[stream][name].vocabulary)
            message = f"{name}: {str(error)[:1].lower()}{str(error)[1:]}"
            raise document.error(("fields", name, *place), message, hint) from None
