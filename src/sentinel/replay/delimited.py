"""Delimited text (RFC 4180): every line is in a row, refused or not, and no quote hides others.

A quote that is not closed would make one cell of all lines to the next quote.  So a record over
several lines counts only if it is right to its end; else its first line is refused, and reading
goes on with the line behind it.
"""

import csv
from collections import Counter, deque
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from sentinel.replay.block import Refused, ReplayError, Rows, Skip
from sentinel.replay.line_blocks import LONGEST_LINE, line_blocks
from sentinel.replay.recode import Peeked, is_utf8, not_utf8

_QUOTE = '"'
_CELLS_OF_A_ROW = 6  # a line of text has so many, without blanks in front, by a rare chance only
_DELIMITERS = ",;\t|"
csv.field_size_limit(LONGEST_LINE)


class Delimited:
    """An open file of delimited text; ``names`` are its columns', by its first line.

    Raises ReplayError where the first line is none that names columns.
    """

    def __init__(
        self, file: Peeked, delimiter: str, encoding: str | None, skipped: Counter[Skip]
    ) -> None:
        self._delimiter, self._encoding = delimiter, encoding
        self._blocks = line_blocks(file, skipped)
        self._lines: deque[str] = deque()
        self._next_line = 1
        self._row = 0
        self.names = self._header(file)

    def hint(self) -> str:
        """What to add to the mapping if the delimiter seems to be another one."""
        if len(self.names) > 1:
            return ""
        seen = Counter(each for each in self.names[0] if each in _DELIMITERS)
        return "".join(
            f"it looks delimited by {each!r}: add `delimiter: {each!r}` to its mapping".replace(
                "'", '"'
            )
            for each, _ in seen.most_common(1)
        )

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows, with the named columns as texts."""
        places = [self.names.index(name) for name in columns]
        while self._fill():
            numbers: list[int] = []
            records: list[list[str]] = []
            refused: list[Refused] = []
            while self._lines:
                line = self._lines[0]
                if not line or line == "\r":
                    self._take(1)
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
                self._take(used)
            yield self._rows(numbers, records, refused, places, columns)

    def _header(self, file: Peeked) -> list[str]:
        if not self._fill():
            return [""]
        cells, used, wrong = self._quoted()
        if wrong:
            raise ReplayError(f"line 1: {wrong}")
        try:
            for cell in cells:
                cell.encode()
        except UnicodeEncodeError:
            raise ReplayError(
                f"line 1: {not_utf8('its header', file.start, self._encoding)}"
            ) from None
        self._take(used)
        return cells

    def _fill(self) -> bool:
        """Whether there are lines; more are read where there is none."""
        while not self._lines:
            block = next(self._blocks, None)
            if block is None:
                return False
            numbers, lines = block
            self._next_line = numbers[0]
            self._lines.extend(b"\n".join(lines).decode("utf-8", "surrogateescape").split("\n"))
        return True

    def _take(self, lines: int) -> None:
        for _ in range(lines):
            self._lines.popleft()
        self._next_line += lines

    def _quoted(self) -> tuple[list[str], int, str]:
        """Cells, and lines, of a record with quotes; and what is wrong with it."""
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
            self._lines.extend(b"\n".join(block[1]).decode("utf-8", "surrogateescape").split("\n"))

    def _parsed(self, used: int) -> tuple[list[str], int, str]:
        lines = [self._lines[place] for place in range(used)]
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

    def _rows(
        self,
        numbers: list[int],
        records: list[list[str]],
        refused: list[Refused],
        places: list[int],
        columns: Sequence[str],
    ) -> Rows:
        """The rows whose cells can be read, with the others among the refused."""
        unreadable: dict[int, str] = {}
        arrays: list[pa.Array] = []
        for place, name in zip(places, columns, strict=True):
            cells: list[str | None] = [record[place] for record in records]
            try:
                arrays.append(pa.array(cells, pa.string()))
            except UnicodeEncodeError:
                for row, cell in enumerate(cells):
                    if cell is not None and not is_utf8(_bytes(cell)):
                        unreadable.setdefault(row, name)
                        cells[row] = None
                arrays.append(pa.array(cells, pa.string()))
        batch = pa.RecordBatch.from_arrays(arrays, names=list(columns))
        kept = np.array(numbers, np.int64)
        if unreadable:
            sample = b"\n".join(_bytes(records[row][self.names.index(name)])
                                for row, name in unreadable.items())  # fmt: skip
            for row, name in unreadable.items():
                value = _bytes(self._delimiter.join(records[row]))
                refused.append(Refused(numbers[row], not_utf8(name, sample, self._encoding), value))
            good = np.ones(len(kept), np.bool_)
            good[list(unreadable)] = False
            kept, batch = kept[good], batch.filter(pa.array(good))
        return Rows(kept, batch, refused)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
