"""A source: one file, opened by what its name and the mapping say it is."""

import gzip
import sys
from collections import Counter
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa

from sentinel.model.document import did_you_mean
from sentinel.model.events import Stream
from sentinel.replay import tables
from sentinel.replay.block import Block, ReplayError, Skip
from sentinel.replay.lines import read_lines
from sentinel.replay.mapping import ROW, Mapping, identity
from sentinel.replay.render import render

STDIN = "-"
_JSON = {".jsonl", ".ndjson", ".json"}
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


class Source:
    """The rows of a file as blocks; made by :func:`open_source`.

    ``skipped`` counts rows that never became events, by reason.
    """

    def __init__(self, name: str, mapping: Mapping | None, stream: Stream | None) -> None:
        self.name = name
        self.skipped: Counter[Skip] = Counter()
        self._mapping = mapping
        self._stream = stream
        self._raw: BinaryIO | None = None
        self.total_bytes = 0 if name == STDIN else Path(name).stat().st_size

    def done_bytes(self) -> int:
        """How much of the file as it lies on disk has been read."""
        if self._raw is None or self.name == STDIN:
            return 0
        return self.total_bytes if self._raw.closed else self._raw.tell()

    def blocks(self) -> Iterator[Block]:
        """The file's rows; raises OSError and ReplayError."""
        with sys.stdin.buffer if self.name == STDIN else Path(self.name).open("rb") as raw:
            self._raw = raw
            file = gzip.GzipFile(fileobj=raw) if self.name.endswith(".gz") else raw
            try:
                yield from self._read(cast("BinaryIO", file))
            except (EOFError, pa.ArrowInvalid) as error:
                first = str(error).partition("\n")[0]
                raise ReplayError(f"{self.name}: {first}") from None

    def _read(self, file: BinaryIO) -> Iterator[Block]:
        kind = self._kind(file)
        if kind in _JSON and self._mapping is None:
            yield from read_lines(file, self.name, self._stream, self.skipped)
            return
        table = self._table(kind, file)
        mapping = self._mapping or self._identity(table)
        wanted = [name for name in mapping.columns() if name in (table.names or [name])]
        self._check_columns(mapping, table)
        place = tuple(Stream).index(mapping.stream)
        for rows, batch in table.read(wanted):
            times, values = render(mapping, batch, rows)
            yield Block(times, np.full(len(values), place, np.int8), rows, values)

    def _kind(self, file: BinaryIO) -> str:
        if self._mapping is not None and self._mapping.patterns:
            return ".log"
        if self.name == STDIN:
            start = cast("BufferedReader", file).peek(1)[:1]
            return ".jsonl" if start in {b"{", b""} else ".csv"
        kind = Path(self.name.removesuffix(".gz")).suffix.lower()
        if kind in _JSON or kind in _DELIMITERS or kind == ".parquet":
            return kind
        raise ReplayError(
            f"{self.name}: not a name that ends in .jsonl, .csv, .tsv or .parquet (or these and "
            ".gz); a text log needs a mapping with lines"
        )

    def _table(self, kind: str, file: BinaryIO) -> tables.Table:
        if kind == ".log" and self._mapping is not None:
            return tables.log_table(file, self._mapping.patterns, self.skipped)
        if kind == ".parquet":
            return tables.parquet_table(file)
        if kind in _DELIMITERS:
            return tables.csv_table(file, _DELIMITERS[kind], self.skipped)
        return tables.json_table(file, self.skipped)

    def _identity(self, table: tables.Table) -> Mapping:
        if self._stream is None:
            raise ReplayError(
                f"{self.name}: cannot tell which stream it is: give --map or --stream, or name "
                "the file like transactions.csv"
            )
        return identity(self._stream, table.names or [])

    def _check_columns(self, mapping: Mapping, table: tables.Table) -> None:
        if table.names is None:
            return
        for name in mapping.columns():
            if name not in table.names and name != ROW:
                hint = did_you_mean(name, table.names) or "its columns: " + ", ".join(table.names)
                raise ReplayError(f'{self.name}: no column "{name}" ({hint})')


def open_source(name: str, mapping: Mapping | None = None, stream: Stream | None = None) -> Source:
    """Open a file (``-`` is standard input); raises OSError.

    ``stream`` is that of lines and tables of ours; without it the file's name may tell:
    ``transactions.jsonl``, ``logins-2026.csv.gz``.
    """
    base = Path(name).name.lower()
    by_name = next((each for each in Stream if base.startswith(each.value)), None)
    return Source(name, mapping, stream or by_name)
