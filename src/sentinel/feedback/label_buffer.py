"""The newest transactions and the entities they name, kept until a label comes.

Verdicts come days after the event and name only its id; only the event names the merchant, device
and payee.  So each transaction is kept: its id as a hash, its amount, the texts that name shared
entities, and its verdict.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import Rows
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.kernel import kernel
from sentinel.model.label import Label
from sentinel.model.response import Verdict
from sentinel.model.stage import Buffer, Parts
from sentinel.model.step import Limit
from sentinel.state import copied

_TEXT_BYTES = 64  # for the ids of one transaction, on average
_VERDICTS: tuple[Verdict | None, ...] = (None, *Verdict)
_SPOT = 32  # rows of a spot check
_ROWS, _BYTES = 0, 1  # in the head: how many of each have ever been written


@kernel
def _hold(
    event_ids: NDArray[np.uint64],
    amounts: NDArray[np.float64],
    hashes: NDArray[np.uint64],
    data: NDArray[np.uint8],
    spans: NDArray[np.int64],
    head: NDArray[np.int64],
    kept_ids: NDArray[np.uint64],
    kept_amounts: NDArray[np.float64],
    verdicts: NDArray[np.int8],
    moments: NDArray[np.int64],
    texts: NDArray[np.int64],
    ring: NDArray[np.uint8],
) -> None:
    """Add n transactions, each in the row of the oldest; a hash of 0 names no entity."""
    for i in range(len(event_ids)):
        row = head[_ROWS] % len(kept_ids)
        kept_ids[row], kept_amounts[row] = event_ids[i], amounts[i]
        verdicts[row], moments[row] = 0, 0
        for f in range(len(spans)):
            start = spans[f, i, 0]
            size = spans[f, i, 1] if hashes[f, i] != 0 else 0
            texts[row, f, 0], texts[row, f, 1] = head[_BYTES], size
            at = head[_BYTES] % len(ring)
            for k in range(size):
                ring[at] = data[start + k]
                at += 1
                if at == len(ring):
                    at = 0
            head[_BYTES] += size
        head[_ROWS] += 1


class LabelBuffer:
    """At most ``capacity`` transactions of one shard, with the texts of ``fields``.

    There are 64 bytes of text for each transaction on average; if texts are longer, fewer
    transactions are held.  With a capacity of 0 nothing is held.
    """

    def __init__(self, capacity: int, fields: Sequence[str], hasher: Hasher = PLAIN) -> None:
        self._fields, self._hasher = tuple(fields), hasher
        # None: labels on what is no longer held are counted as answers to nothing.
        self.limits: Counter[Limit] = Counter()
        self._head = np.zeros(2, np.int64)
        self._ids = np.zeros(capacity, np.uint64)
        self._amounts = np.zeros(capacity, np.float64)
        self._verdicts = np.zeros(capacity, np.int8)
        self._moments = np.zeros(capacity, np.int64)
        self._texts = np.zeros((capacity, len(self._fields), 2), np.int64)
        self._ring = np.zeros(capacity * _TEXT_BYTES, np.uint8)
        self._rows: Rows | None = None
        self._stored = 0
        self._labels: list[Label] = []

    def begin(self, rows: Rows | None) -> None:
        """Begin a step with its transactions; they are stored as the step comes to them."""
        self._rows, self._stored = rows, 0

    def finish(self) -> list[Label]:
        """Store the rest of the step's transactions; returns the labels of the step."""
        if self._rows is not None:
            self._store(len(self._rows))
        self._rows = None
        labels, self._labels = self._labels, []
        return labels

    def judge(
        self, event_ids: Iterable[str], verdict: Verdict, at_ms: int, before_index: int
    ) -> int:
        """Give transactions a verdict at ``at_ms``; returns how many of them are held.

        Those of the step with a smaller index than ``before_index`` in its merged batch are stored
        first, so it does not matter how the input is cut.  Another verdict undoes the one before.
        """
        if self._rows is not None:
            self._store(int(np.searchsorted(self._rows.index, before_index)))
        known = 0
        for event_id in event_ids:
            row = self._find(event_id)
            if row is None:
                continue
            known += 1
            before = _VERDICTS[self._verdicts[row]]
            if before is verdict:
                continue
            ids, amount = self._named(row), float(self._amounts[row])
            if before is not None:
                undone = Label(ids, amount, before, int(self._moments[row]), undone=True)
                self._labels.append(undone)
            self._verdicts[row], self._moments[row] = _VERDICTS.index(verdict), at_ms
            self._labels.append(Label(ids, amount, verdict, at_ms))
        return known

    def snapshot(self) -> dict[str, Buffer]:
        """All that is held, by the name of the part; equal state gives equal bytes."""
        return {
            "shape": self._shape(),
            "head": copied(self._head),
            **{name: copied(each) for name, each in self._used().items()},
        }

    def spot(self) -> bytes:
        """The transactions that came last, with their verdicts."""
        capacity = len(self._ids)
        known = min(capacity, int(self._head[_ROWS]))
        rows = (self._head[_ROWS] - 1 - np.arange(min(known, _SPOT))) % max(1, capacity)
        columns = (self._ids, self._amounts, self._verdicts, self._moments)
        return b"".join(each.tobytes() for each in (self._head, *(c[rows] for c in columns)))

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave; under other fields or capacity start anew."""
        if bytes(parts["shape"]) != self._shape():
            return
        self._head[:] = np.frombuffer(parts["head"], np.int64)
        for name, column in self._used().items():
            column[:] = np.frombuffer(parts[name], column.dtype).reshape(column.shape)

    def carry(self, old: "LabelBuffer") -> None:
        """Continue where ``old`` stands, if it holds the same fields of as many."""
        self.restore(old.snapshot())

    def _shape(self) -> bytes:
        return msgspec.msgpack.encode((len(self._ids), self._fields))

    def _used(self) -> dict[str, NDArray[np.generic]]:
        """The parts of all arrays that have ever been written, by name."""
        rows, size = self._head
        columns: dict[str, NDArray[np.generic]] = {
            "ids": self._ids,
            "amounts": self._amounts,
            "verdicts": self._verdicts,
            "moments": self._moments,
            "texts": self._texts,
        }
        return {name: each[:rows] for name, each in columns.items()} | {"ring": self._ring[:size]}

    def _store(self, end: int) -> None:
        """Store the step's transactions up to ``end``."""
        rows, first = self._rows, self._stored
        if rows is None or end <= first or not len(self._ids):
            return
        n = end - first
        hashes = np.zeros((len(self._fields), n), np.uint64)
        spans = np.zeros((len(self._fields), n, 2), np.int64)
        data = np.zeros(0, np.uint8)
        if self._fields:
            assert rows.texts is not None, "decode was told to keep them"  # noqa: S101
            data = rows.texts.data
            for index, name in enumerate(self._fields):
                hashes[index] = rows.columns[name][first:end]
                spans[index] = rows.texts.spans_of(name)[first:end]
        amounts = rows.columns.get("amount", np.zeros(end))  # there if a sum is asked for
        _hold(
            rows.columns["event_id"][first:end].view(np.uint64),
            amounts[first:end].astype(np.float64, copy=False),
            hashes,
            data,
            spans,
            self._head,
            self._ids,
            self._amounts,
            self._verdicts,
            self._moments,
            self._texts,
            self._ring,
        )
        self._stored = end

    def _find(self, event_id: str) -> int | None:
        """The row of a transaction; None if it is not held, or its texts are no longer."""
        wanted = np.uint64(self._hasher.text(event_id))
        found = np.flatnonzero(self._ids[: self._head[_ROWS]] == wanted)
        if not len(found):
            return None
        row = int(found[0])
        starts = self._texts[row, :, 0]
        kept_from = self._head[_BYTES] - len(self._ring)
        return row if not len(starts) or int(starts[0]) >= kept_from else None

    def _named(self, row: int) -> dict[str, str]:
        named = {}
        for index, name in enumerate(self._fields):
            start, size = self._texts[row, index]
            if size:
                positions = np.arange(start, start + size) % len(self._ring)
                named[name] = self._ring[positions].tobytes().decode("utf-8", "replace")
        return named
