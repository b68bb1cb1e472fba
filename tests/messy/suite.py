"""Messy files through readers and ingest: a value is what was meant, or its row is refused."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from tests.messy.files import COLUMNS, File, made

from sentinel.ingest import Limits, decode
from sentinel.model.document import parse
from sentinel.model.events import Stream
from sentinel.model.ids import PLAIN
from sentinel.model.step import Chunk
from sentinel.replay import mapping
from sentinel.replay.source import open_source

LIMITS = Limits(
    lateness_ms=3_600_000,
    future_skew_ms=1 << 50,
    max_value_bytes=1_000_000,
    remembered_events=1,
    base_currency="CNY",
    rates={"CNY": 1.0},
    placeholders=("N/A", "null", "-", "unknown", "0", "None"),
)
_WANTED = frozenset(COLUMNS)


@dataclass
class Found:
    """What came of all rows: ``wrong`` are told in words, the first ones."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def run(records: int, seed: int, folder: Path, rows: int = 200) -> Found:
    """Read so many messy records, in files of ``rows`` each."""
    random, found = Random(seed), Found()
    while found.counts["rows"] < records:
        path, file = made(random, rows, folder)
        _read(path, file, found)
    return found


def _read(path: Path, file: File, found: Found) -> None:
    spec = None
    if file.mapping is not None:
        text = json.dumps(file.mapping, ensure_ascii=False)
        spec = mapping.load(parse(text, "map.yaml"))
    source = open_source(str(path), spec)
    values: dict[str, dict[str, Any]] = {}
    refused = rows = 0
    for block in source.blocks():
        n = len(block)
        chunk = Chunk(
            Stream.TRANSACTION, "t", 0, [*range(n)], [1 << 41] * n, [None] * n, [*block.values]
        )
        decoded = decode(Stream.TRANSACTION, [chunk], LIMITS, _WANTED)
        refused += len(decoded.dead_letters)
        rows += n
        for row, event in enumerate(decoded.events):
            values[event.event_id] = {name: decoded.columns[name][row] for name in COLUMNS}
    letters = len(source.drain_refused())
    found.counts["rows"] += len(file.meanings) + file.skipped
    if rows + letters + source.skipped.total() != len(file.meanings) + file.skipped:
        found.wrong.append(f"{path.name}: {rows} + {letters} + {source.skipped.total()} rows")
    right = 0
    for number, meaning in enumerate(file.meanings):
        read = None if meaning is None else values.get(meaning["event_id"])
        if meaning is None:
            continue
        if read is None:
            found.wrong.append(f"{path.name} row {number}: refused, but means {meaning}")
            continue
        right += 1
        expected = _columns(meaning)
        found.wrong += [
            f"{path.name} row {number}: {name} is {read[name]}, means {meaning[name]!r}"
            for name in COLUMNS
            if read[name] != expected[name]
        ]
    if right != len(values):
        found.wrong.append(f"{path.name}: {len(values) - right} events that should be refused")
    found.counts += Counter(events=right, refused=refused + letters, skipped=file.skipped)


def _columns(meaning: dict[str, Any]) -> dict[str, Any]:
    """The values of columns that a meaning is."""
    hashed = {
        name: PLAIN.text(meaning[name]) if meaning[name] is not None else 0
        for name in ("event_id", "customer_id", "merchant_id", "ip")
    }
    return {
        **{name: np.uint64(value) for name, value in hashed.items()},
        "event_time": np.int64(meaning["event_time"]),
        "amount": np.float64(meaning["amount"]),
    }
