"""Rollup records: every row reaches its owner, with its text, in its order."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from sentinel.entities import wire
from sentinel.model.entity import EntityKind
from sentinel.model.rollup import Progress, RollupBlock

_Found = dict[tuple[int, str], list[tuple[list[int], bytes]]]
"""Rows with their texts, by partition and kind."""


def _block(kind: EntityKind, count: int, rng: np.random.Generator) -> RollupBlock:
    texts = [b"x" * int(size) for size in rng.integers(0, 9, count)]
    texts = [bytes(rng.integers(97, 123, len(text)).tolist()) for text in texts]
    return RollupBlock(
        kind,
        b"version",
        rng.integers(0, 1 << 40, (count, 6)),
        np.cumsum([len(text) for text in texts]),
        np.frombuffer(b"".join(texts), np.uint8),
        rng.integers(0, 1 << 32, count).astype(np.uint32),
    )


def _naive(blocks: list[RollupBlock], partitions: int) -> _Found:
    found: _Found = defaultdict(list)
    for block in blocks:
        starts = [0, *block.ends[:-1].tolist()]
        for row, owner, start, end in zip(
            block.rows, block.owners, starts, block.ends, strict=True
        ):
            text = block.text[start:end].tobytes()
            found[int(owner) % partitions, block.kind.value].append((row.tolist(), text))
    return found


@pytest.mark.parametrize("partitions", [1, 3, 16])
@pytest.mark.parametrize("record_bytes", [100, 500_000])
def test_rows_reach_their_owners(
    partitions: int, record_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the block and with their texts, however small the records are."""
    monkeypatch.setattr(wire, "RECORD_BYTES", record_bytes)
    rng = np.random.default_rng(partitions)
    blocks = [_block(EntityKind.DEVICE, 40, rng), _block(EntityKind.IP, 1, rng)]
    found: _Found = defaultdict(list)
    last: dict[int, wire.Rollup] = {}
    for target, record in wire.records(blocks, 0, partitions, Progress(7)):
        rollup = wire.decode(record)
        assert target not in last or last[target].progress is None
        last[target] = rollup
        for part in rollup.parts:
            rows = np.frombuffer(part.rows, "<i8").reshape(-1, 6)
            assert len(part.rows) <= max(record_bytes, 48)
            starts = [0, *np.frombuffer(part.ends, "<i4").tolist()]
            texts = [part.text[a:b] for a, b in pairwise(starts)]
            found[target, part.kind.value] += zip(rows.tolist(), texts, strict=True)
    assert found == _naive(blocks, partitions)
    assert all(rollup.progress == Progress(7) for rollup in last.values())


def test_all_hear_of_progress_if_they_have_to() -> None:
    """Without rows, too, and in the order of the shards."""
    told = wire.records([], 1, 3, Progress(9), tells_all=True)
    assert [(target, wire.decode(record).parts) for target, record in told] == [
        (0, []),
        (1, []),
        (2, []),
    ]
    assert wire.records([], 1, 3, Progress(9)) == []
