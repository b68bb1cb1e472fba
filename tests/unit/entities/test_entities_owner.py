"""The wire and the owner: what does not fit is counted and left out, never fatal."""

import msgspec
import numpy as np
import pytest

from sentinel.entities import Owner, declare, lay_out, records
from sentinel.entities.layout import HASH, NEWEST, PANE, PARTS, RECORDED, KindLayout, Layout
from sentinel.entities.raw_text import owners
from sentinel.entities.wire import RECORD_BYTES, Part, Rollup, decode
from sentinel.model.document import parse
from sentinel.model.entity import EntityKind
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.rollup import EntityRows, Progress, RollupBlock
from sentinel.model.step import Chunk, Limit, RollupDrop

TEXT = "features:\n  ip:\n    n_1m: {on: login, count: true, window: 1m}\n"


def _layout() -> Layout:
    return lay_out(declare(parse(TEXT, "f")), {EntityKind.IP: frozenset({"n_1m"})})


def _block(kind: KindLayout, *seen: tuple[str, int, int]) -> RollupBlock:
    """Rows of (address, pane, count)."""
    rows = np.zeros((len(seen), kind.width), np.int64)
    texts = [address.encode() for address, _, _ in seen]
    for row, (address, pane, count) in zip(rows, seen, strict=True):
        row[[HASH, PANE, NEWEST, PARTS]] = sum(address.encode()), pane, pane * 40_000 + 1, count
    ends = np.cumsum([len(text) for text in texts])
    text = np.frombuffer(b"".join(texts), np.uint8)
    return RollupBlock(kind.kind, kind.version, rows, ends, text, owners(EntityKind.IP, text, ends))


def _apply(owner: Owner, *values: bytes | None) -> list[EntityRows]:
    n = len(values)
    chunk = Chunk(Control.ROLLUP, "r", 0, list(range(n)), [0] * n, [None] * n, [*values])
    return owner.apply([rows for _, parts in owner.read([chunk]) for rows in parts])


def _record(*seen: tuple[str, int, int]) -> bytes:
    ((_, value),) = records([_block(_layout().kinds[0], *seen)], 0, 1, Progress(0))
    return value


def test_rows_are_named_and_counted() -> None:
    """Ids, times, streams and measures come out as they went in, after each row."""
    (rows,) = _apply(Owner(_layout(), 10), _record(("a", 1, 2), ("bc", 1, 3), ("a", 2, 4)))
    assert list(rows.ids) == ["a", "bc", "a"]
    assert rows.columns["n_1m"].tolist() == [2, 3, 6]
    assert rows.event_time.tolist() == [10_000, 10_000, 20_000]
    assert rows.pane_ms.tolist() == [0, 0, 10_000]
    assert rows.stream_of(0) is Stream.LOGIN


def test_another_version_is_counted_and_left_out() -> None:
    """As while a new configuration is rolled out."""
    owner, part = Owner(_layout(), 10), decode(_record(("a", 1, 2))).parts[0]
    others = [msgspec.structs.replace(part, version=b"other"), part]
    assert len(_apply(owner, msgspec.msgpack.encode(Rollup(0, 1, None, others)))) == 1
    assert owner.dropped == {RollupDrop.LAYOUT: 1}


def _broken(part: Part) -> list[bytes | None]:
    whole = msgspec.structs.replace
    parts = [
        whole(part, rows=part.rows[:-1]),
        whole(part, rows=b"", ends=b"", text=b""),
        whole(part, ends=part.ends[:-4]),
        whole(part, text=part.text + b"x"),
        whole(part, ends=np.array([2, 1], "<i4").tobytes(), text=b"x"),
        whole(part, rows=bytes(len(part.rows))),
    ]
    records = [Rollup(0, 1, None, [each]) for each in parts]
    nobody = Rollup(3, 3, None, [])
    return [None, b"", b"{}", b"\xc1", *map(msgspec.msgpack.encode, [nobody, *records])]


@pytest.mark.parametrize("which", range(11))
def test_what_cannot_be_read_is_counted_and_left_out(which: int) -> None:
    """Bytes that are no record, and parts whose numbers do not fit together."""
    part = decode(_record(("a", 1, 2), ("b", 1, 2))).parts[0]
    owner = Owner(_layout(), 10)
    assert _apply(owner, _broken(part)[which]) == []
    assert owner.dropped == {RollupDrop.MALFORMED: 1}
    assert len(owner) == 0


@pytest.mark.parametrize(
    ("word", "number"),
    [
        (PANE, 1 << 62),
        (PANE, 1 << 33),
        (PANE, 0),
        (NEWEST, 1 << 62),
        (NEWEST, -1),
        (RECORDED, 1 << 62),
        (RECORDED, -(1 << 62)),
    ],
)
def test_a_number_beyond_its_meaning_reaches_no_kernel(word: int, number: int) -> None:
    """Whoever can write to the topic writes into no other entity's ring."""
    block = _block(_layout().kinds[0], ("a", 1, 2), ("b", 1, 3))
    owner = Owner(_layout(), 10)
    _apply(owner, _record(("b", 1, 5)))
    before = owner.snapshot()
    block.rows[1, word] = number
    ((_, forged),) = records([block], 0, 1, Progress(0))
    assert _apply(owner, forged) == []
    assert owner.dropped == {RollupDrop.MALFORMED: 1}
    assert {name: bytes(part) for name, part in owner.snapshot().items()} == {
        name: bytes(part) for name, part in before.items()
    }


@pytest.mark.parametrize("stream_ms", [1 << 80, 1 << 63, 1 << 62, -1, 1.5, "1", None])
def test_a_forged_progress_is_no_record(stream_ms: object) -> None:
    """A number that does not fit a snapshot would end the worker when it is saved."""
    value: list[object] = [0, 1, [stream_ms], []]
    forged = msgspec.msgpack.encode(value) if stream_ms != 1 << 80 else b"\x94\x00\x01\x91\xc7"
    owner = Owner(_layout(), 10)
    assert _apply(owner, forged) == []
    assert owner.dropped == {RollupDrop.MALFORMED: 1}


def test_a_row_older_than_every_window_is_late() -> None:
    """It changes nothing."""
    owner = Owner(_layout(), 10)
    (rows,) = _apply(owner, _record(("a", 100, 2), ("a", 94, 5), ("a", 95, 1)))
    assert rows.columns["n_1m"].tolist() == [2, 2, 3]
    assert owner.dropped == {RollupDrop.LATE: 1}


def test_who_came_once_makes_room() -> None:
    """At the limit an entity is forgotten and counted, of those that came once the newest."""
    owner = Owner(_layout(), 2)
    (rows,) = _apply(owner, _record(("a", 1, 1), ("b", 1, 1), ("c", 1, 1), ("a", 1, 1)))
    assert rows.columns["n_1m"].tolist() == [1, 1, 1, 2]
    assert owner.limits == {Limit.ENTITIES: 1}
    assert len(owner) == 2


def test_many_rows_are_several_records_of_each_owner() -> None:
    """Each row goes to its owner's partition, once, in records of a bearable size."""
    kind = _layout().kinds[0]
    seen = [(f"10.{n // 250}.{n % 250}.1", 1 + n % 7, n) for n in range(40_000)]
    block = _block(kind, *seen)
    found: list[tuple[str, int]] = []
    progress: list[tuple[int, Progress]] = []
    for target, value in records([block], 1, 3, Progress(5)):
        rollup = decode(value)
        progress += [(target, rollup.progress)] if rollup.progress else []
        for part in rollup.parts:
            assert len(part.rows) <= RECORD_BYTES
            words = np.frombuffer(part.rows, "<i8").reshape(-1, kind.width)
            ends = np.frombuffer(part.ends, "<i4").tolist()
            texts = [part.text[s:e].decode() for s, e in zip([0, *ends], ends, strict=False)]
            found += zip(texts, words[:, PARTS].tolist(), strict=True)
            where = owners(
                EntityKind.IP,
                np.frombuffer(part.text, np.uint8),
                np.array(ends, np.int64),
            )
            assert set((where % 3).tolist()) == {target}
    assert sorted(found) == sorted((address, count) for address, _, count in seen)
    assert progress == [(each, Progress(5)) for each in range(3)]  # once, with the last record


def test_a_snapshot_of_other_measures_is_not_taken() -> None:
    """An owner whose measures changed starts with nothing of that kind."""
    owner = Owner(_layout(), 10)
    _apply(owner, _record(("a", 1, 2)))
    text = TEXT.replace("window: 1m", "window: 2m")
    other = Owner(lay_out(declare(parse(text, "f")), {EntityKind.IP: frozenset({"n_1m"})}), 10)
    other.restore(owner.snapshot())
    assert (len(owner), len(other)) == (1, 0)
