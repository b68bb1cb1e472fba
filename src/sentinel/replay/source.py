"""A source: one file, opened by the format of its name or the mapping."""

import gzip
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa

from sentinel.model.document import did_you_mean
from sentinel.model.events import Stream
from sentinel.model.step import DeadLetter, DeadLetterReason
from sentinel.replay import tables
from sentinel.replay.block import Block, Refused, ReplayError, Skip
from sentinel.replay.delimited import Delimited
from sentinel.replay.fields import ROW, Field
from sentinel.replay.line_blocks import BLOCK_BYTES
from sentinel.replay.lines import read_lines
from sentinel.replay.mapping import Mapping, identity
from sentinel.replay.recode import UTF16_MARKS, Peeked, Reads, Recoded
from sentinel.replay.render import Renderer

STDIN = "-"
_JSON = {".jsonl", ".ndjson", ".json"}
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


class Source:
    """The rows of a file as blocks; made by :func:`open_source`.

    Each row is in a block, refused, or among the ``skipped``, which are counted by reason.
    ``guessed_year``: the file's date gave times their year.
    """

    def __init__(self, name: str, mapping: Mapping | None, stream: Stream | None) -> None:
        self.name = name
        self.skipped: Counter[Skip] = Counter()
        self.guessed_year = False
        self._refused: list[Refused] = []
        self._mapping = mapping
        self._encoding = mapping.encoding if mapping is not None else None
        self._stream = stream
        self._raw: BinaryIO | None = None
        self.total_bytes = 0 if name == STDIN else Path(name).stat().st_size

    def done_bytes(self) -> int:
        """How much of the file as it lies on disk has been read."""
        if self._raw is None or self.name == STDIN:
            return 0
        return self.total_bytes if self._raw.closed else self._raw.tell()

    def drain_refused(self) -> list[DeadLetter]:
        """The rows refused since this was last asked, as dead letters."""
        refused, self._refused = self._refused, []
        malformed = DeadLetterReason.MALFORMED
        return [
            DeadLetter(self.name, 0, each.row, None, each.value, malformed, each.detail)
            for each in refused
        ]

    def blocks(self) -> Iterator[Block]:
        """The file's rows; raises OSError and ReplayError, which name the file."""
        try:
            with sys.stdin.buffer if self.name == STDIN else Path(self.name).open("rb") as raw:
                self._raw = raw
                file = gzip.GzipFile(fileobj=raw) if self.name.endswith(".gz") else raw
                yield from self._read(cast("BinaryIO", file))
        except (EOFError, pa.ArrowException, zlib.error, gzip.BadGzipFile, ReplayError) as error:
            first = str(error).partition("\n")[0]
            raise ReplayError(f"{self.name}: {first}") from None

    def _read(self, file: BinaryIO) -> Iterator[Block]:
        kind = self._kind(file)
        if kind == ".parquet":
            yield from self._rendered(tables.parquet_table(file))
            return
        encoding = self._encoding
        start = file.peek(2)[:2] if isinstance(file, BufferedReader | gzip.GzipFile) else b""
        if encoding is None and start in UTF16_MARKS:
            raise ReplayError("looks like utf-16: add `encoding: utf-16` to its mapping")
        utf8: Reads = file if encoding is None else Recoded(file, encoding)
        peeked = Peeked(utf8, BLOCK_BYTES)
        if kind in _JSON and self._mapping is None:
            yield from read_lines(peeked, self._stream, self.skipped, self._refused)
        else:
            yield from self._rendered(self._table(kind, peeked))

    def _rendered(self, table: tables.Table) -> Iterator[Block]:
        mapping = self._mapping or self._identity(table)
        wanted = self._columns(mapping, table)
        stream_index = tuple(Stream).index(mapping.stream)
        renderer = Renderer(mapping, self._latest_ms)
        for rows in table.read(wanted):
            made = renderer.render(rows)
            self._refused += made.refused
            if made.unwanted:
                self.skipped[Skip.NOT_WANTED] += made.unwanted
            streams = np.full(len(made.lines), stream_index, np.int8)
            yield Block(made.times, streams, made.numbers, made.lines)

    def _latest_ms(self) -> int:
        """When the file was written."""
        self.guessed_year = True
        now_s = time.time() if self.name == STDIN else Path(self.name).stat().st_mtime
        return int(now_s * 1000)

    def _kind(self, file: BinaryIO) -> str:
        if self._mapping is not None and self._mapping.patterns:
            return ".log"
        if self.name == STDIN:
            start = cast("BufferedReader", file).peek(4)[:4].removeprefix(b"\xef\xbb\xbf")
            return ".jsonl" if start[:1] in {b"{", b"[", b""} else ".csv"
        kind = Path(self.name.removesuffix(".gz")).suffix.lower()
        if kind in _JSON or kind in _DELIMITERS or kind == ".parquet":
            return kind
        if self._mapping is not None and self._mapping.delimiter is not None:
            return ".csv"
        raise ReplayError(
            "not a name that ends in .jsonl, .csv, .tsv or .parquet (or these and .gz); "
            "a text log needs a mapping with lines"
        )

    def _table(self, kind: str, file: Peeked) -> tables.Table:
        mapping = self._mapping
        if kind == ".log" and mapping is not None:
            return tables.log_table(file, mapping.patterns, self._encoding, self.skipped)
        if kind in _DELIMITERS:
            delimiter = mapping.delimiter if mapping is not None else None
            opened = Delimited(file, delimiter or _DELIMITERS[kind], self._encoding, self.skipped)
            return tables.Table(opened.names, opened.read, opened.hint())
        root, decimal = (mapping.root, mapping.decimal) if mapping else (None, None)
        return tables.json_table(file, root, decimal, self.skipped)

    def _identity(self, table: tables.Table) -> Mapping:
        if self._stream is None:
            raise ReplayError(
                "cannot tell which stream it is: give --map or --stream, or name the file like "
                "transactions.csv"
            )
        return identity(self._stream, table.names or [])

    def _columns(self, mapping: Mapping, table: tables.Table) -> list[str]:
        """The columns to read, each of them there."""
        names = table.names
        if names is None:
            return [name for name in mapping.columns() if name != ROW]
        for field in mapping.fields.values():
            one_of = field.alternatives()
            if one_of and not set(one_of) & {*names, ROW}:
                self._missing(one_of[0], names, table.hint)
        for name in [*_all_needed(mapping), *mapping.only]:
            if name not in names and name != ROW:
                self._missing(name, names, table.hint)
        wanted = [name for name in mapping.columns() if name in names]
        for name in wanted:
            if names.count(name) > 1:
                raise ReplayError(f'column "{name}" is there more than once')
        return wanted

    def _missing(self, name: str, names: list[str], hint: str) -> None:
        hint = hint or did_you_mean(name, names) or "its columns: " + ", ".join(names)
        raise ReplayError(f'no column "{name}" ({hint})')


def _all_needed(mapping: Mapping) -> list[str]:
    """The columns that have no alternative."""

    def needed(field: Field) -> list[str]:
        return [name for name in field.columns() if name not in field.alternatives()]

    return [name for field in mapping.fields.values() for name in needed(field)]


def open_source(name: str, mapping: Mapping | None = None, stream: Stream | None = None) -> Source:
    """Open a file (``-`` is standard input); raises OSError.

    ``stream`` is that of lines and tables of ours; without it the file's name may tell:
    ``transactions.jsonl``, ``logins-2026.csv.gz``.
    """
    base = Path(name).name.lower()
    by_name = next((each for each in Stream if base.startswith(each.value)), None)
    return Source(name, mapping, stream or by_name)
