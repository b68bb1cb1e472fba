"""Rows in the order they came, at most so many: the oldest are dropped."""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray


class Fifo:
    """A bounded queue of rows, column by column, in memory reserved once.

    ``columns`` maps a name to its dtype and its shape within a row.  Memory is touched as rows
    come.
    """

    def __init__(
        self, capacity: int, columns: Mapping[str, tuple[DTypeLike, tuple[int, ...]]]
    ) -> None:
        self._capacity, self._start, self._count = capacity, 0, 0
        self._columns: dict[str, NDArray[np.generic]] = {
            name: np.zeros((capacity, *shape), dtype) for name, (dtype, shape) in columns.items()
        }

    def __len__(self) -> int:
        return self._count

    def push(self, rows: Mapping[str, NDArray[np.generic]]) -> int:
        """Add rows, arrays of one length by column; returns how many were dropped at capacity."""
        n = len(next(iter(rows.values())))
        first = max(0, n - self._capacity)
        lost = max(0, self._count + n - self._capacity)
        self.drop(min(lost, self._count))
        at = self._positions(self._count, n - first)
        for name, column in self._columns.items():
            column[at] = rows[name][first:]
        self._count += n - first
        return lost

    def drop(self, n: int) -> None:
        """Drop the ``n`` oldest rows."""
        self._start = (self._start + n) % self._capacity
        self._count -= n

    def head(self, n: int) -> dict[str, NDArray[np.generic]]:
        """The ``n`` oldest rows, copied."""
        at = self._positions(0, n)
        return {name: column[at] for name, column in self._columns.items()}

    def column(self, name: str) -> NDArray[np.generic]:
        """One column of all rows, oldest first."""
        end = self._start + self._count
        column = self._columns[name]
        if end <= self._capacity:
            return column[self._start : end]
        return np.concatenate([column[self._start :], column[: end - self._capacity]])

    def write(self, name: str, rows: NDArray[np.int64], value: int) -> None:
        """Set one column of some rows, counted from the oldest."""
        self._columns[name][(self._start + rows) % self._capacity] = value

    def snapshot(self) -> bytes:
        """The rows, oldest first, wherever they lie: equal rows give equal bytes."""
        return msgspec.msgpack.encode([self.column(name).tobytes() for name in self._columns])

    def restore(self, data: bytes) -> None:
        """Restore the state of a queue of the same columns and capacity."""
        self._start = self._count = 0
        parts = msgspec.msgpack.decode(data, type=list[bytes])
        rows = {
            name: np.frombuffer(part, column.dtype).reshape(-1, *column.shape[1:])
            for (name, column), part in zip(self._columns.items(), parts, strict=True)
        }
        self.push(rows)

    def _positions(self, first: int, n: int) -> NDArray[np.int64]:
        return (self._start + first + np.arange(n)) % self._capacity
