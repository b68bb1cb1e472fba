"""Rollup rows of one kind with the ids that they are about, as they wait and are applied."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentinel.entities.layout import PANE, RECORDED, TICK_MS
from sentinel.entities.raw_text import copy
from sentinel.model.columns import LENGTH
from sentinel.model.entity import EntityKind


@dataclass(frozen=True, slots=True)
class RollupRows:
    """Rows int64[r, width] of one kind under one version of its measures.

    ``text`` holds the entities' ids one after the other, ``ends`` int64[r] where each ends.
    """

    kind: EntityKind
    version: bytes
    rows: NDArray[np.int64]
    ends: NDArray[np.int64]
    text: bytes

    @property
    def nbytes(self) -> int:
        """How much memory they take."""
        return self.rows.nbytes + self.ends.nbytes + len(self.text)

    def encoded(self) -> tuple[str, bytes, int, bytes, bytes, bytes]:
        """Everything as plain values."""
        rows, ends = self.rows.tobytes(), self.ends.tobytes()
        return self.kind, self.version, self.rows.shape[1], rows, ends, self.text

    @classmethod
    def decoded(
        cls, kind: str, version: bytes, width: int, rows: bytes, ends: bytes, text: bytes
    ) -> "RollupRows":
        """What :meth:`encoded` gave."""
        words = np.frombuffer(rows, np.int64).reshape(-1, width)
        return cls(EntityKind(kind), version, words, np.frombuffer(ends, np.int64), text)


def in_order(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row indices int64[r] in the order to apply them: by second of append time, then pane."""
    return np.lexsort((rows[:, PANE], rows[:, RECORDED] // TICK_MS))


def joined(parts: Sequence[RollupRows], which: NDArray[np.int64]) -> RollupRows:
    """Rows of several parts of one kind, ``which`` int64[n] of all of them, in that order."""
    rows = np.concatenate([each.rows for each in parts])[which]
    bases = np.cumsum([0, *(len(each.text) for each in parts)])
    ends = np.concatenate([each.ends + base for each, base in zip(parts, bases[:-1], strict=True)])
    starts = np.concatenate([[0], ends[:-1]])
    spans = np.stack([starts, ends - starts], axis=1)[which]
    new_ends = np.cumsum(spans[:, LENGTH])
    out = np.empty(int(new_ends[-1]), np.uint8)
    data = np.frombuffer(b"".join(each.text for each in parts), np.uint8)
    copy(data, spans, new_ends, np.arange(len(which)), out)
    return RollupRows(parts[0].kind, parts[0].version, rows, new_ends, out.tobytes())
