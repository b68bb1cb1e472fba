"""Reads and validates detectors.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from sentinel.detect.kinds import AnyEntry
from sentinel.detect.ranges import Range
from sentinel.model.columns import Column, Kind, Schema
from sentinel.model.document import ConfigError, Document, Path, did_you_mean

MAX_DETECTORS = 32
MAX_FEATURES = 64
_USABLE = (Kind.NUMBER, Kind.TRUTH)
_RANGE_KEYS = ("range", "log")
_RANGE_FORMS = "[0, 10] or {range: [0, 1e6], log: true}"
_LARGEST = 1e15


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    detectors: list[AnyEntry]


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declared detector with its features' ranges, in the order written."""

    entry: AnyEntry
    ranges: Mapping[str, Range]
    path: Path

    @property
    def outputs(self) -> tuple[Column, Column]:
        """The columns of its scores and of its p-values."""
        return (
            Column(f"{self.entry.id}_score", Kind.NUMBER),
            Column(f"{self.entry.id}_p", Kind.NUMBER, unit="share"),
        )


def declare(document: Document, schema: Schema) -> list[Declaration]:
    """Read detectors.yaml against the columns that exist; raises ConfigError."""
    entries = document.convert(_File).detectors
    if len(entries) > MAX_DETECTORS:
        raise document.error(("detectors",), f"more than {MAX_DETECTORS} detectors")
    declarations: list[Declaration] = []
    for i, entry in enumerate(entries):
        path = ("detectors", i)
        columns = schema[entry.on]
        declaration = Declaration(entry, _ranges(document, path, entry, columns), path)
        if not entry.id.isidentifier():
            raise document.error((*path, "id"), f'"{entry.id}" is not a plain name')
        if any(entry.id == other.entry.id for other in declarations):
            raise document.error((*path, "id"), f'a second detector "{entry.id}"')
        for column in declaration.outputs:
            if column.name in columns:
                raise document.error(
                    (*path, "id"), f'{entry.on} has a column "{column.name}" already'
                )
        declarations.append(declaration)
    return declarations


def _ranges(
    document: Document,
    path: Path,
    entry: AnyEntry,
    columns: Mapping[str, Column],
) -> dict[str, Range]:
    if not 1 <= len(entry.features) <= MAX_FEATURES:
        raise document.error((*path, "features"), f"a detector has 1 to {MAX_FEATURES} features")
    usable = {name for name, column in columns.items() if column.kind in _USABLE}
    ranges: dict[str, Range] = {}
    for name, written in entry.features.items():
        at = (*path, "features", name)
        if name not in columns:
            message = f'{entry.on} has no column "{name}"'
            raise _key_error(document, at, message, did_you_mean(name, sorted(usable)))
        if name not in usable:
            message = f"a detector takes numbers and truths; {name} is a {columns[name].kind}"
            raise _key_error(document, at, message)
        ranges[name] = _range(document, at, written)
    return ranges


def _range(document: Document, at: Path, written: object) -> Range:
    ends, log = written, False
    if isinstance(written, dict):
        for key in written:
            if key not in _RANGE_KEYS:
                message = f'a feature has no "{key}"'
                raise _key_error(document, (*at, key), message, did_you_mean(key, _RANGE_KEYS))
        ends, log = written.get("range"), written.get("log", False)
        if not isinstance(log, bool):
            raise document.error((*at, "log"), "log is true or false")
        at = (*at, "range")
    if not (isinstance(ends, list) and len(ends) == 2 and all(map(_is_end, ends))):
        raise document.error(at, "a range is [low, high]", _RANGE_FORMS)
    if ends[0] >= ends[1]:
        raise document.error(at, f"a range rises; {ends[0]} is not below {ends[1]}")
    return Range(float(ends[0]), float(ends[1]), log)


def _is_end(number: Any) -> bool:
    return type(number) in {int, float} and abs(number) <= _LARGEST


def _key_error(document: Document, at: Path, message: str, hint: str = "") -> ConfigError:
    return ConfigError(document.path, *document.key_position(*at), message, hint)
