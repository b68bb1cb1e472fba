"""Labelled rows to learn from: all frauds, a known share of the rest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentinel.evaluate.learning.fifo import Fifo
from sentinel.evaluate.learning.pending import Labelled

_HASHES = 2.0**64


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """What a model learns from, n rows, oldest first.

    ``values`` float32[n, d], ``fraud`` bool[n], ``weight`` float64[n] how many events a row stands
    for, ``margin`` float64[n] as scored, NaN where there was no model, ``time`` int64[n] ms UTC.
    """

    values: NDArray[np.float32]
    fraud: NDArray[np.bool_]
    weight: NDArray[np.float64]
    margin: NDArray[np.float64]
    time: NDArray[np.int64]


class TrainingBuffer:
    """At most ``capacity`` labelled rows of the last ``keep_ms``.

    Frauds are rare and all kept; of the others a ``genuine_share`` chosen by the hash of their
    event_id, so that which they are depends on nothing else.
    """

    def __init__(self, capacity: int, keep_ms: int, genuine_share: float, width: int) -> None:
        self._keep_ms, self._share = keep_ms, genuine_share
        self._rows = Fifo(
            capacity,
            {
                "event_id": (np.uint64, ()),
                "time": (np.int64, ()),
                "values": (np.float32, (width,)),
                "margin": (np.float64, ()),
                "fraud": (np.bool_, ()),
            },
        )

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, labelled: Labelled) -> int:
        """Keep what is to be kept; returns how many rows within ``keep_ms`` were evicted."""
        kept = labelled.fraud | (labelled.event_id < self._share * _HASHES)
        lost = self._rows.push(
            {
                "event_id": labelled.event_id[kept],
                "time": labelled.time[kept],
                "values": labelled.values[kept],
                "margin": labelled.margin[kept],
                "fraud": labelled.fraud[kept],
            }
        )
        time = np.asarray(self._rows.column("time"), np.int64)
        if len(time):
            fresh = np.flatnonzero(time > time.max() - self._keep_ms)
            self._rows.drop(int(fresh[0]))
        return lost

    def correct(self, event_id: int, *, fraud: bool) -> bool:
        """Change the label of an event; False where it is not kept."""
        found = np.flatnonzero(self._rows.column("event_id") == np.uint64(event_id))
        self._rows.write("fraud", found, fraud)
        return len(found) > 0

    def row(self) -> TrainingRow:
        """All that is kept, each fraud standing for itself, the rest for their share."""
        rows = self._rows.head(len(self._rows))
        event_id, fraud = rows["event_id"], np.asarray(rows["fraud"], np.bool_)
        # A fraud corrected to genuine stands for itself where it was not in the share.
        sampled = ~fraud & np.less(event_id, self._share * _HASHES)
        return TrainingRow(
            values=np.asarray(rows["values"], np.float32),
            fraud=fraud,
            weight=np.where(sampled, 1.0 / self._share, 1.0),
            margin=np.asarray(rows["margin"], np.float64),
            time=np.asarray(rows["time"], np.int64),
        )

    def snapshot(self) -> bytes:
        """All rows."""
        return self._rows.snapshot()

    def restore(self, data: bytes) -> None:
        """Restore the state that :meth:`snapshot` returned, under the same configuration."""
        self._rows.restore(data)
