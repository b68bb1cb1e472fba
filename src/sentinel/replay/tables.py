"""Foreign files as Arrow tables: Parquet, CSV, JSON lines and text logs, block by block.

No file is ever whole in memory, and only the columns asked for are read.  Cells of
text formats stay text: the mapping says what they are.  Rows are numbered from 1; in
line-by-line formats a row's number is its line's, so that a dead letter can be found.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from sentinel.model.expression import Expression
from sentinel.model.reading import UNREADABLE
from sentinel.replay.block import ReplayError, Skip
from sentinel.replay.line_blocks import LONGEST_LINE, line_blocks

BLOCK_ROWS = 65_536
CSV_BLOCK_BYTES = 4 << 20

Numbered = tuple[NDArray[np.int64], pa.RecordBatch]
"""The numbers of some rows, int64[n], and the rows."""


@dataclass(frozen=True, slots=True)
class Table:
    """An open table: its columns' names, and how to read some of them.

    ``names`` is None where the rows need not have the same columns (JSON lines).
    """

    names: list[str] | None
    read: Callable[[Sequence[str]], Iterator[Numbered]]


def parquet_table(file: BinaryIO) -> Table:
    """A Parquet file; read by one thread, so that a replay is one core's work."""
    parquet = pa.parquet.ParquetFile(file)

    def read(columns: Sequence[str]) -> Iterator[Numbered]:
        yield from _counted(
            parquet.iter_batches(BLOCK_ROWS, columns=list(columns), use_threads=False)
        )

    return Table(list(parquet.schema_arrow.names), read)


def csv_table(file: BinaryIO, delimiter: str, skipped: Counter[Skip]) -> Table:
    """Delimited text whose first line names the columns."""
    line = file.readline(LONGEST_LINE + 1)
    if len(line) > LONGEST_LINE:
        raise ReplayError(f"its first line has more than {LONGEST_LINE} bytes")
    first = line.decode("utf-8-sig", "replace")
    names = next(csv.reader([first], delimiter=delimiter), [])

    def ragged(_row: object) -> str:
        skipped[Skip.RAGGED] += 1
        return "skip"

    reading = pa.csv.ReadOptions(column_names=names, use_threads=False, block_size=CSV_BLOCK_BYTES)
    parsing = pa.csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=ragged
    )

    def read(columns: Sequence[str]) -> Iterator[Numbered]:
        convert = pa.csv.ConvertOptions(
            include_columns=list(columns), column_types=dict.fromkeys(columns, pa.binary())
        )
        yield from _counted(pa.csv.open_csv(file, reading, parsing, convert))

    return Table(names, read)


def json_table(file: BinaryIO, skipped: Counter[Skip]) -> Table:
    """JSON objects, one per line; a value that is not text is taken as its JSON."""

    def cells(line: bytes) -> dict[str, str | None] | None:
        try:
            row = msgspec.json.decode(line, type=dict[str, object])
        except UNREADABLE:
            skipped[Skip.NOT_JSON] += 1
            return None
        return {name: _cell(value) for name, value in row.items()}

    def read(columns: Sequence[str]) -> Iterator[Numbered]:
        yield from _by_line(file, cells, columns, skipped)

    return Table(None, read)


def log_table(file: BinaryIO, patterns: Sequence[Expression], skipped: Counter[Skip]) -> Table:
    """A text log: the groups of the first pattern that is found in a line."""
    names = list(dict.fromkeys(name for pattern in patterns for name in pattern.groupindex))

    def cells(line: bytes) -> dict[str, str | None] | None:
        text = line.decode("utf-8", "replace")
        found = next((hit for each in patterns if (hit := each.search(text))), None)
        if found is None:
            skipped[Skip.NO_PATTERN] += 1
            return None
        groups: dict[str, str | None] = found.groupdict()
        return groups

    def read(columns: Sequence[str]) -> Iterator[Numbered]:
        yield from _by_line(file, cells, columns, skipped)

    return Table(names, read)


def _counted(batches: Iterable[pa.RecordBatch]) -> Iterator[Numbered]:
    first = 1
    for batch in batches:
        yield np.arange(first, first + batch.num_rows), batch
        first += batch.num_rows


def _by_line(
    file: BinaryIO,
    cells: Callable[[bytes], dict[str, str | None] | None],
    columns: Sequence[str],
    skipped: Counter[Skip],
) -> Iterator[Numbered]:
    """Rows of the lines that have cells; a column that a line lacks is missing there."""
    for numbers, lines in line_blocks(file, skipped):
        numbered = zip(numbers, lines, strict=True)
        rows = [(number, row) for number, line in numbered if (row := cells(line)) is not None]
        arrays = [pa.array([row.get(name) for _, row in rows], pa.string()) for name in columns]
        batch = pa.RecordBatch.from_arrays(arrays, names=list(columns))
        yield np.array([number for number, _ in rows], np.int64), batch


def _cell(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
