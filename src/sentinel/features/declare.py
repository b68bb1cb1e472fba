"""Reads and validates features.yaml."""

from dataclasses import dataclass
from typing import Any

from msgspec import Struct, defstruct

from sentinel.features.kernels.advance import KINDS
from sentinel.features.kind import CALENDAR, Feature, Operation
from sentinel.features.local_time import PERIODS
from sentinel.model.columns import FIELDS
from sentinel.model.document import ConfigError, Document, did_you_mean
from sentinel.model.events import Stream

MAX_FEATURES = 256
MAX_HISTORY = 256
MAX_KEEP = 64


_KEEP_BY_DEFAULT = 8
_OPERATIONS = tuple(operation for kind in KINDS for operation in kind.operations)
_BY_NAME = {
    name: [operation for operation in _OPERATIONS if operation.name == name]
    for name in dict.fromkeys(operation.name for operation in _OPERATIONS)
}
_SPANS = tuple(dict.fromkeys(operation.span for operation in _OPERATIONS if operation.span))


def _entry_type(operation: Operation) -> type:
    """The type of the operation's key: ``true``, a field or a list of fields."""
    return {0: bool, 1: str}.get(len(operation.fields), list[str])


_Entry = defstruct(
    "_Entry",
    [
        ("on", Stream | list[Stream]),
        *((name, _entry_type(each[0]) | None, None) for name, each in _BY_NAME.items()),
        ("where", str | None, None),
        ("after", str | None, None),
        *((span, str | None, None) for span in _SPANS),
        ("keep", int | None, None),
    ],
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
)


class _Features(Struct, frozen=True, forbid_unknown_fields=True):
    """The customer's features; those of shared entities are read by ``sentinel.entities``."""

    customer: dict[str, _Entry]  # type: ignore[valid-type]
    device: dict[str, Any] = {}
    ip: dict[str, Any] = {}
    merchant: dict[str, Any] = {}
    counterparty: dict[str, Any] = {}
    product: dict[str, Any] = {}
    branch: dict[str, Any] = {}
    channel: dict[str, Any] = {}
    bank: dict[str, Any] = {}


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    features: _Features
    history: dict[Stream, int] = {}


@dataclass(frozen=True, slots=True)
class Declarations:
    """All features of the customer, and how many events each stream's ring holds."""

    features: tuple[Feature, ...]
    history: dict[Stream, int]
    document: Document

    def path(self, feature: Feature, key: str) -> tuple[str, ...]:
        """Where in the document a key of a feature stands."""
        return ("features", "customer", feature.name, key)


def declare(document: Document) -> Declarations:
    """Read features.yaml; raises ConfigError."""
    file = document.convert(_File)
    history = {stream: file.history.get(stream, 32) for stream in Stream}
    for stream, events in history.items():
        if not 1 <= events <= MAX_HISTORY:
            raise document.error(("history", stream), f"history is 1 to {MAX_HISTORY} events")
    entries = file.features.customer
    if len(entries) > MAX_FEATURES:
        raise document.error(("features", "customer"), f"more than {MAX_FEATURES} features")
    features = tuple(_feature(document, name, entry) for name, entry in entries.items())
    return Declarations(features, history, document)


def _feature(document: Document, name: str, entry: Any) -> Feature:
    path = ("features", "customer", name)
    if not name.isidentifier() or any(name in fields for fields in FIELDS.values()):
        line, column = document.key_position(*path)
        raise ConfigError(
            document.path, line, column, f'"{name}" is a field of an event or not a plain name'
        )
    operation = _operation(document, path, entry)
    streams = tuple(entry.on) if isinstance(entry.on, list) else (entry.on,)
    if not streams or (len(streams) > 1 and not operation.many_streams):
        raise document.error((*path, "on"), f"{operation} is computed on one stream")
    fields = _fields(document, path, operation, streams, entry)
    for key in _SPANS:
        if getattr(entry, key) is not None and key != operation.span:
            raise document.error((*path, key), f"{operation} takes no {key}")
    calendar, span_ms = _span(document, path, operation, entry)
    keep = _keep(document, path, operation, entry.keep)
    if operation.after and (entry.after is None or entry.where is None):
        hint = "of what came in (after) what went out (where)"
        raise document.error(path, f"{operation} needs where and after", hint)
    if entry.after is not None and not operation.after:
        raise document.error((*path, "after"), f"{operation} takes no after")
    return Feature(
        name, operation, streams, fields, entry.where, span_ms, calendar, keep, entry.after
    )


def _operation(document: Document, path: tuple[str, ...], entry: Any) -> Operation:
    """The one operation that the entry declares, with the one span that it has."""
    given = [name for name in _BY_NAME if getattr(entry, name) not in (None, False)]
    if len(given) != 1:
        words = ", ".join(given) if given else "none"
        raise document.error(
            path, f"a feature computes one thing, here: {words}", "one of " + ", ".join(_BY_NAME)
        )
    operations = _BY_NAME[given[0]]
    if operations[0].span == "":
        return operations[0]
    spanned = [each for each in operations if getattr(entry, each.span) is not None]
    if len(spanned) == 1:
        return spanned[0]
    spans = [each.span for each in operations]
    words = " or a ".join("calendar period" if span == CALENDAR else span for span in spans)
    hint = "" if CALENDAR in spans else f"{spans[0]}: 7d"
    raise document.error(path, f"{given[0]} needs a {words}", hint)


def _fields(
    document: Document,
    path: tuple[str, ...],
    operation: Operation,
    streams: tuple[Stream, ...],
    entry: Any,
) -> tuple[str, ...]:
    value = getattr(entry, operation.name)
    if value is True:
        return ()
    names = tuple(value) if isinstance(value, list) else (value,)
    where = (*path, operation.name)
    if len(names) != len(operation.fields):
        raise document.error(where, f"{operation} takes [{', '.join(operation.fields)}]")
    for stream in streams:
        for name in names:
            column = FIELDS[stream].get(name)
            if column is None:
                raise document.error(
                    where, f'{stream} has no field "{name}"', did_you_mean(name, FIELDS[stream])
                )
            if column.kind is not operation.reads:
                raise document.error(
                    where,
                    f"{operation} takes a {operation.reads} field; {name} is a {column.kind}",
                )
    return names


def _span(
    document: Document, path: tuple[str, ...], operation: Operation, entry: Any
) -> tuple[str | None, int]:
    """The calendar period, or how many ms the operation looks back."""
    if not operation.span:
        return None, 0
    text: str = getattr(entry, operation.span)
    where = (*path, operation.span)
    if operation.span == CALENDAR:
        if text not in PERIODS:
            hint = did_you_mean(text, PERIODS) or "day, week or month"
            raise document.error(where, f'no calendar period "{text}"', hint)
        return text, 0
    return None, document.duration_ms(where, text)


def _keep(document: Document, path: tuple[str, ...], operation: Operation, keep: int | None) -> int:
    if keep is None:
        return _KEEP_BY_DEFAULT
    if not 1 <= keep <= MAX_KEEP:
        raise document.error((*path, "keep"), f"keep is 1 to {MAX_KEEP} values")
    if not operation.keep:
        raise document.error((*path, "keep"), f"{operation} takes no keep")
    return keep
