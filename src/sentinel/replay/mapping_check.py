"""Validation of a mapping when it is loaded, not at the first bad row."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from sentinel.model.columns import FIELDS, Kind
from sentinel.model.document import ConfigError, Document, did_you_mean
from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.model.expression import Expression
from sentinel.replay.fields import ROW, Field, Scalar, Unit
from sentinel.replay.recode import is_encoding

_ORIGINS = ("from", "template", "sign_of", "value", "sequence")
_SIGNS = ("-", "+")
_TIME, _NUMBER, _TEXT = {Kind.TIME}, {Kind.NUMBER}, {Kind.STRING, Kind.CODE}
_OWNERS: dict[str, tuple[set[Kind], str]] = {
    "sequence": (_TIME, "a time"),
    "format": (_TIME, "a time"),
    "unit": (_TIME, "a time"),
    "since": (_TIME, "a time"),
    "zone": (_TIME, "a time"),
    "year": (_TIME, "a time"),
    "scale": (_NUMBER, "a number"),
    "absolute": (_NUMBER, "a number"),
    "cut": (_TEXT, "a text"),
    "upper": (_TEXT, "a text"),
}
_UNITS_OF_FORMATS: dict[str | None, Unit] = {"epoch_s": "s", "epoch_ms": "ms"}
"""Formats that were written before there was ``unit``."""


def check_reading(document: Document) -> None:
    """Check the settings of the file itself; raises ConfigError."""
    encoding, delimiter = document.data.get("encoding"), document.data.get("delimiter")
    if encoding is not None and not is_encoding(encoding):
        raise document.error(("encoding",), f'"{encoding}" is no encoding of text', "like gb18030")
    if delimiter is not None and not _is_delimiter(delimiter):
        raise document.error(("delimiter",), "expected one character of ASCII, no quote")
    if delimiter is not None and delimiter == document.data.get("decimal"):
        raise document.error(("delimiter",), "is the decimal mark, too")


def _is_delimiter(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text not in '"\r\n'


def check_groups(
    document: Document,
    fields: Mapping[str, Field],
    only: Iterable[str],
    patterns: Iterable[Expression],
) -> None:
    """Check that patterns give every column of a text log; raises ConfigError."""
    groups = {name for pattern in patterns for name in pattern.groupindex} | {ROW}
    for name, field in fields.items():
        for column in field.columns():
            if column not in groups:
                message = f'no pattern in lines has a group named "{column}"'
                raise document.error(("fields", name), message, did_you_mean(column, groups))
    for column in only:
        if column not in groups:
            message = f'no pattern in lines has a group named "{column}"'
            raise document.error(("only", column), message, did_you_mean(column, groups))


def checked(document: Document, stream: Stream, name: str) -> Field:
    """The field of that name; raises ConfigError for what is wrong with it."""
    column = FIELDS[stream].get(name)
    if column is None:
        line, key_column = document.key_position("fields", name)
        hint = did_you_mean(name, FIELDS[stream])
        message = f'a {stream} has no field "{name}"'
        raise ConfigError(document.path, line, key_column, message, hint)
    spec = document.data["fields"][name]
    if isinstance(spec, str):
        return Field(column=spec)
    if isinstance(spec, list) and spec and all(isinstance(each, str) for each in spec):
        return Field(column=spec)
    if not isinstance(spec, dict):
        raise document.error(("fields", name), "expected a column's name, several, or a mapping")
    field = document.part("fields", name).convert(Field)
    if field.format in _UNITS_OF_FORMATS:
        unit = _UNITS_OF_FORMATS[field.format]
        field = msgspec.structs.replace(field, format=None, unit=unit)
    _check_origin(document, name, field)
    _check_kind(document, name, field, column.kind)
    _check_constants(document, stream, name, field)
    return field


def _check_origin(document: Document, name: str, field: Field) -> None:
    given = [key for key in _ORIGINS if key in document.data["fields"][name]]
    if len(given) != 1:
        message = "needs exactly one of from, template, sign_of, value and sequence"
        raise document.error(("fields", name), message)
    if field.column == []:
        raise document.error(("fields", name, "from"), "names no column")
    if field.template is not None and not field.parts()[1:]:
        raise document.error(
            ("fields", name, "template"), "names no {COLUMN}", "a constant is written value:"
        )
    if name == "event_id" and field.value is not UNSET:
        raise document.error(("fields", name), "every event needs an id of its own")
    if field.otherwise is not UNSET and field.choices is None:
        raise document.error(("fields", name, "otherwise"), "stands only beside choices")
    if field.sign_of is not None and sorted(field.choices or ()) != sorted(_SIGNS):
        message = 'needs choices for "-" and "+"'
        raise document.error(("fields", name, "sign_of"), message)


def _check_kind(document: Document, name: str, field: Field, kind: Kind) -> None:
    given = document.data["fields"][name]
    for key, (kinds, owner) in _OWNERS.items():
        if key in given and kind not in kinds:
            raise document.error(("fields", name, key), f"only {owner} has {key}")
    if field.cut is not None and field.cut < 1:
        raise document.error(("fields", name, "cut"), "expected at least 1")
    if kind is Kind.TIME:
        _check_time(document, name, field)


def _check_time(document: Document, name: str, field: Field) -> None:
    try:
        ZoneInfo(field.zone or "UTC")
    except (KeyError, OSError, ValueError):  # by its name: unknown, a folder, outside
        message = f'"{field.zone}" is not a time zone'
        raise document.error(("fields", name, "zone"), message) from None
    if field.format is not None:
        _check_format(document, name, field, field.format)
    elif field.year is not None:
        raise document.error(("fields", name, "year"), "stands only beside format")
    if field.since is not None:
        _check_since(document, name, field, field.since)
    if field.sequence is not None:
        document.duration_ms(("fields", name, "sequence", "every"), field.sequence.every)
        if not _is_moment(field.sequence.start):
            message = f'"{field.sequence.start}" is not a moment like 2026-01-05T10:00:00+08:00'
            raise document.error(("fields", name, "sequence", "start"), message)


def _check_format(document: Document, name: str, field: Field, written: str) -> None:
    path = ("fields", name, "format")
    if field.unit is not None:
        raise document.error(path, "stands beside unit: a time is a number or a text")
    if field.has_year and field.year is not None:
        raise document.error(("fields", name, "year"), "the format has a year of its own")
    if "%z" not in written and field.zone is None:
        raise document.error(path, "has no zone", "add zone: Asia/Shanghai, or that of the data")


def _check_since(document: Document, name: str, field: Field, since: str) -> None:
    path = ("fields", name, "since")
    if field.unit is None:
        raise document.error(path, "stands only beside unit")
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        message = f'"{since}" is not a time like 2026-01-05T10:00:00+08:00'
        raise document.error(path, message) from None
    if moment.tzinfo is None and field.zone is None:
        raise document.error(path, "has no zone", "write 1899-12-30T00:00:00Z, or add zone:")


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _check_constants(document: Document, stream: Stream, name: str, field: Field) -> None:
    """Constants must be what the event allows, so that no replay fails on every row."""
    constants: list[tuple[tuple[str, ...], Scalar | UnsetType]] = [
        (("value",), field.value),
        (("otherwise",), field.otherwise),
        (("default",), field.default),
        *((("choices", key), value) for key, value in (field.choices or {}).items()),
    ]
    kinds = {each.name: each.type for each in msgspec.structs.fields(EVENT_TYPES[stream])}
    for path, value in constants:
        if value is UNSET:
            continue
        try:
            msgspec.convert(value, kinds[name], strict=True)
        except msgspec.ValidationError as error:
            hint = did_you_mean(str(value), FIELDS[stream][name].vocabulary)
            message = f"{name}: {str(error)[:1].lower()}{str(error)[1:]}"
            raise document.error(("fields", name, *path), message, hint) from None
