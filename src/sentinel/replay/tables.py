"""Foreign files as Arrow tables: Parquet, delimited text, JSON and text logs, block by block.

No file is ever whole in memory, and only the columns asked for are read.  Cells of
text formats stay text: the mapping has their types.  Rows are numbered from 1; in
line-by-line formats a row's number is its line's, so that a dead letter can be found.

A column inside others has a path: ``data.object.amount``, in an array ``items.0.price``.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from sentinel.model.expression import Expression
from sentinel.model.reading import UNREADABLE
from sentinel.replay.block import Refused, ReplayError, Rows, Skip
from sentinel.replay.json_values import json_values
from sentinel.replay.line_blocks import line_blocks
from sentinel.replay.recode import Peeked, is_utf8, not_utf8

BLOCK_ROWS = 65_536
Cells = dict[str, str | None]


class _Number(str):
    """A JSON number with decimals, as it is written: no decimal gets lost."""

    __slots__ = ()


_decode = msgspec.json.Decoder(float_hook=_Number).decode


@dataclass(frozen=True, slots=True)
class Table:
    """An open table: its columns' names, and how to read some of them.

    ``names`` is None where the rows need not have the same columns (JSON); ``hint`` may tell why
    a column is not among them.
    """

    names: list[str] | None
    read: Callable[[Sequence[str]], Iterator[Rows]]
    hint: str = ""


def parquet_table(file: BinaryIO) -> Table:
    """A Parquet file; read by one thread, so that a replay is one core's work."""
    parquet = pa.parquet.ParquetFile(file)
    schema: pa.Schema = parquet.schema_arrow

    def read(columns: Sequence[str]) -> Iterator[Rows]:
        paths = [_path_in(schema, name) for name in columns]
        tops = list(dict.fromkeys(path[0] for path in paths))
        first = 1
        for batch in parquet.iter_batches(BLOCK_ROWS, columns=tops, use_threads=False):
            arrays = []
            for path in paths:
                array = batch.column(path[0])
                for name in path[1:]:
                    array = pc.struct_field(array, name)
                arrays.append(array)
            numbers = np.arange(first, first + batch.num_rows)
            yield Rows(numbers, pa.RecordBatch.from_arrays(arrays, names=list(columns)), [])
            first += batch.num_rows

    return Table(_paths(schema), read)


def _paths(fields: Iterable[pa.Field], above: str = "") -> list[str]:
    """Names of columns, and paths of those inside structs."""
    names = []
    for field in fields:
        names.append(above + field.name)
        if pa.types.is_struct(field.type):
            names += _paths(list(field.type), f"{above}{field.name}.")
    return names


def _path_in(fields: Any, name: str) -> list[str]:
    """The path of a column; an exact name comes before a path inside another column."""
    for field in fields:
        if field.name == name:
            kind = field.type
            if pa.types.is_struct(kind):
                first = kind.field(0).name if kind.num_fields else "FIELD"
                raise ReplayError(f'column "{name}" holds others: name one, like {name}.{first}')
            if pa.types.is_nested(kind):
                raise ReplayError(f'column "{name}" holds lists, no single values: {kind}')
            return [name]
    top = next(each for each in fields if name.startswith(f"{each.name}."))
    rest = name.removeprefix(f"{top.name}.")
    return [top.name, *_path_in(list(top.type), rest)]


def json_table(
    file: Peeked, root: str | None, decimal: str | None, skipped: Counter[Skip]
) -> Table:
    """JSON objects, one per line or in one array; a value that is not text is read as its JSON.

    ``root`` is the path of the object that has the columns, or of an array of such objects.
    Numbers are written with the mapping's ``decimal`` mark, as its texts are.
    """

    def read(columns: Sequence[str]) -> Iterator[Rows]:
        for numbers, values in json_values(file, skipped):
            refused: list[Refused] = []
            rows: list[tuple[int, Cells]] = []
            for number, value in zip(numbers, values, strict=True):
                try:
                    rows += [
                        (number, {name: _cell(name, at(each, name), decimal) for name in columns})
                        for each in _objects(_decode(value), root)
                    ]
                except UNREADABLE as error:
                    refused.append(Refused(number, str(error), value))
            yield _rows(rows, columns, refused)

    return Table(None, read)


def _objects(value: object, root: str | None) -> list[dict[str, object]]:
    """The objects with columns in a row's value; raises ValueError where it has none."""
    found = value
    if root is not None and isinstance(value, dict):
        found = at(value, root)
    several = found if root is not None and isinstance(found, list) else [found]
    objects = [each for each in several if isinstance(each, dict)]
    if len(objects) < len(several):
        raise ValueError(f"no JSON object at {root}" if root else "not a JSON object")
    return objects


def at(row: dict[str, Any], path: str) -> object:
    """The value at a path, else None; an exact key comes first."""
    if path in row:
        return row[path]
    found: Any = row
    for key in path.split("."):
        if isinstance(found, dict):
            found = found.get(key)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found


def log_table(
    file: Peeked, patterns: Sequence[Expression], encoding: str | None, skipped: Counter[Skip]
) -> Table:
    """A text log: the groups of the first pattern that is found in a line."""
    names = list(dict.fromkeys(name for pattern in patterns for name in pattern.groupindex))

    def read(columns: Sequence[str]) -> Iterator[Rows]:
        for numbers, lines in line_blocks(file, skipped):
            refused: list[Refused] = []
            rows: list[tuple[int, Cells]] = []
            for number, line in zip(numbers, lines, strict=True):
                text = line.decode("utf-8", "replace")
                found = next((hit for each in patterns if (hit := each.search(text))), None)
                if not text or text.isspace():
                    continue
                if found is None:
                    skipped[Skip.NO_PATTERN] += 1
                elif "\ufffd" in text and not is_utf8(line):
                    refused.append(Refused(number, not_utf8("the line", line, encoding), line))
                else:
                    rows.append((number, found.groupdict()))
            yield _rows(rows, columns, refused)

    return Table(names, read)


def _rows(rows: list[tuple[int, Cells]], columns: Sequence[str], refused: list[Refused]) -> Rows:
    """Rows of cells; a column that a row lacks is missing there."""
    arrays = [pa.array([row.get(name) for _, row in rows], pa.string()) for name in columns]
    batch = pa.RecordBatch.from_arrays(arrays, names=list(columns))
    return Rows(np.array([number for number, _ in rows], np.int64), batch, refused)


def _cell(name: str, value: object, decimal: str | None) -> str | None:
    """A value as the text of a cell; raises ValueError for one that holds others."""
    match value:
        case None:
            return None
        case _Number():
            return value.replace(".", decimal or ".")
        case str():
            return value
        case dict() | list():
            raise ValueError(f"{name} holds {'others: name one in it' if value else 'nothing'}")
        case _:
            return msgspec.json.encode(value).decode()
