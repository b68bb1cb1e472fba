"""Delimited text (RFC 4180): every line is in a row, refused or not, and no quote hides others.

A quote that is not closed would make one cell of all lines to the next quote.  So a block of
lines is read at once, by Arrow, only if each line by itself is right to its end.  Otherwise it is
read record by record, and one over several lines counts only if it is right to its end; else its
first line is refused, and reading goes on with the line behind it.
"""

import csv
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.csv
import re2

from sentinel.replay.block import Refused, ReplayError, Rows, Skip
from sentinel.replay.line_blocks import LONGEST_LINE, line_blocks
from sentinel.replay.recode import Peeked, is_utf8, not_utf8

_QUOTE = '"'
_CELLS_OF_A_ROW = 6  # a line of text has so many, without blanks in front, by a rare chance only
_DELIMITERS = ",;\t|"
_MOST_MEMORY = 64 << 20  # of the expression for whole blocks, so that it stays an automaton
csv.field_size_limit(LONGEST_LINE)

_Lines = tuple[list[int], list[bytes]]
_Record = tuple[list[str], int, str]
"""Cells, and lines, of a record; and what is wrong with it."""


class Delimited:
    """An open file of delimited text; ``names`` are its columns', by its first line.

    Raises ReplayError where the first line is none that names columns.
    """

    def __init__(
        self, file: Peeked, delimiter: str, encoding: str | None, skipped: Counter[Skip]
    ) -> None:
        self._delimiter, self._encoding = delimiter, encoding
        self._whole = _whole_lines(delimiter)
        self._blocks: Iterator[_Lines] = line_blocks(file, skipped)
        self._lines: deque[str] = deque()
        self._next_line = 1
        self._row = 0
        self.names = self._header(file)

    def hint(self) -> str:
        """What to add to the mapping if the delimiter seems to be another one."""
        if len(self.names) > 1:
            return ""
        seen = Counter(each for each in self.names[0] if each in _DELIMITERS)
        if not seen:
            return ""
        ((likely, _),) = seen.most_common(1)
        shown = "\\t" if likely == "\t" else likely
        return f'it looks delimited by "{shown}": add `delimiter: "{shown}"` to its mapping'

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows, with the named columns as texts."""
        for numbers, lines in self._blocks:
            self._next_line = numbers[0]
            batch = self._at_once(lines, columns)
            if batch is not None:
                first = self._row + 1
                self._row += batch.num_rows
                rows = Rows(np.arange(first, self._row + 1), batch, [])
            else:
                self._extend(lines)
                rows = self._one_by_one(columns)
            yield self._readable(rows)

    def _header(self, file: Peeked) -> list[str]:
        first = next(self._blocks, None)
        if first is None:
            return [""]
        numbers, lines = first
        self._extend(lines)
        cells, used, wrong = self._quoted()
        if wrong:
            raise ReplayError(f"line 1: {wrong}")
        if not all(is_utf8(_bytes(cell)) for cell in cells):
            raise ReplayError(f"line 1: {not_utf8('its header', file.start, self._encoding)}")
        behind = [_bytes(line) for line in self._lines][used:]
        self._lines.clear()
        if behind:
            count = numbers[0] + used
            rest = (list(range(count, count + len(behind))), behind)
            self._blocks = chain([rest], self._blocks)
        return cells

    def _at_once(self, lines: list[bytes], columns: Sequence[str]) -> pa.RecordBatch | None:
        """The rows of lines of which each is a whole row; None if one is not."""
        data = b"\n".join([*lines, b""])
        if self._whole.fullmatch(data) is None:
            return None
        reading = pa.csv.ReadOptions(
            column_names=self.names, use_threads=False, block_size=len(data) + 1
        )
        parsing = pa.csv.ParseOptions(delimiter=self._delimiter)
        convert = pa.csv.ConvertOptions(
            include_columns=list(columns), column_types=dict.fromkeys(columns, pa.binary())
        )
        try:
            table = pa.csv.read_csv(pa.py_buffer(data), reading, parsing, convert)
        except pa.ArrowInvalid:  # a row with more or fewer cells, or no rows at all
            return None
        (batch,) = table.combine_chunks().to_batches() or [None]
        return batch

    def _extend(self, lines: list[bytes]) -> None:
        self._lines.extend(b"\n".join(lines).decode("utf-8", "surrogateescape").split("\n"))

    def _one_by_one(self, columns: Sequence[str]) -> Rows:
        """The rows of the lines that wait, and of more if a record goes on behind them."""
        indices = [self.names.index(name) for name in columns]
        numbers: list[int] = []
        records: list[list[str]] = []
        refused: list[Refused] = []
        while self._lines:
            line = self._lines[0]
            if not line or line == "\r":
                self._drop(1)
                continue
            self._row += 1
            if line[0] != _QUOTE and self._delimiter + _QUOTE not in line:
                cells, used, wrong = line.removesuffix("\r").split(self._delimiter), 1, ""
            else:
                cells, used, wrong = self._quoted()
            if not wrong and len(cells) != len(self.names):
                wrong, used = f"{len(cells)} cells, the header has {len(self.names)}", 1
            if wrong:
                detail = f"line {self._next_line}: {wrong}"
                refused.append(Refused(self._row, detail, _bytes(line)))
            else:
                numbers.append(self._row)
                records.append(cells)
            self._drop(used)
        arrays = [pa.array([_bytes(each[at]) for each in records], pa.binary()) for at in indices]
        batch = pa.RecordBatch.from_arrays(arrays, names=list(columns))
        return Rows(np.array(numbers, np.int64), batch, refused)

    def _drop(self, lines: int) -> None:
        for _ in range(lines):
            self._lines.popleft()
        self._next_line += lines

    def _quoted(self) -> _Record:
        """The record that begins with the first line that waits."""
        used = quotes = size = 0
        while True:
            while used < len(self._lines):
                quotes += self._lines[used].count(_QUOTE)
                size += len(self._lines[used])
                used += 1
                if quotes % 2 == 0 or size > LONGEST_LINE:
                    return self._parsed(used)
            block = next(self._blocks, None)
            if block is None:
                return self._parsed(used)
            self._extend(block[1])

    def _parsed(self, used: int) -> _Record:
        lines = [self._lines[row] for row in range(used)]
        reader = csv.reader([f"{line}\n" for line in lines], delimiter=self._delimiter, strict=True)
        try:
            cells = next(reader)
        except csv.Error as error:
            wrong = str(error)
            if wrong == "unexpected end of data" or len(lines) > 1:
                wrong = "a quote is not closed"
            return [], 1, wrong
        inner = lines[1 : reader.line_num - 1]
        if len(cells) >= _CELLS_OF_A_ROW:
            for behind, line in enumerate(inner, self._next_line + 1):
                own = line.split(self._delimiter)
                if len(own) == len(cells) and not any(cell[:1].isspace() for cell in own):
                    return [], 1, f"a quote is not closed, line {behind} is a row of its own"
        return cells, reader.line_num, ""

    def _readable(self, rows: Rows) -> Rows:
        """The rows of which each cell is UTF-8, with the others among the refused."""
        batch, names = rows.batch, rows.batch.schema.names
        unreadable: dict[int, str] = {}
        for name, column in zip(names, batch.columns, strict=True):
            try:
                column.cast(pa.string())
            except pa.ArrowInvalid:
                for row, cell in enumerate(column.to_pylist()):
                    if not is_utf8(cell):
                        unreadable.setdefault(row, name)
        if not unreadable:
            return rows
        sample = b"\n".join(batch.column(name)[row].as_py() for row, name in unreadable.items())
        refused = [
            Refused(
                int(rows.numbers[row]),
                not_utf8(name, sample, self._encoding),
                self._delimiter.encode().join(column[row].as_py() for column in batch.columns),
            )
            for row, name in unreadable.items()
        ]
        good = np.ones(len(rows.numbers), np.bool_)
        good[list(unreadable)] = False
        return Rows(rows.numbers[good], batch.filter(pa.array(good)), rows.refused + refused)


def _whole_lines(delimiter: str) -> re2._Regexp:
    """Matches lines of which each is a row: no quote but around cells, and doubled inside them."""
    options = re2.Options()
    options.encoding, options.max_mem = re2.Options.Encoding.LATIN1, _MOST_MEMORY
    between = re2.escape(delimiter).encode()
    cell = rb'(?:"(?:[^"\r\n]|"")*"|[^"' + between + rb"\r\n]*)"
    return re2.compile(rb"(?:" + cell + rb"(?:" + between + cell + rb")*\r?\n)*", options)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
