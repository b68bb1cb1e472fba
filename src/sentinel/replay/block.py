"""Rows of files: as they are read, and as event JSON with what ordering needs."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

UNKNOWN_TIME = -1
"""For a row whose event time is unknown; ingest will refuse the event."""


class ReplayError(Exception):
    """A file cannot be replayed as asked; the message is one line for the user."""


class Skip(StrEnum):
    """Why a row was left out before the engine saw it."""

    NO_PATTERN = "no_pattern"  # a line of a text log in which no pattern is found
    NO_STREAM = "no_stream"  # an object that states no stream, where no other is like it
    NOT_WANTED = "not_wanted"  # the mapping's `only` leaves it out
    TOO_LONG = "too_long"  # a line of more than 4 MiB


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot become an event: its number, the reason, and its bytes."""

    row: int
    detail: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table: their numbers, int64[n] from 1, and cells; and the refused between them."""

    numbers: NDArray[np.int64]
    batch: pa.RecordBatch
    refused: list[Refused]


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one file, column by column.

    ``times`` int64[n] is the event time in ms UTC or ``UNKNOWN_TIME``, ``streams``
    int8[n] the index in ``tuple(Stream)``, ``offsets`` int64[n] the row's number in the
    file from 1, ``values`` the n lines of JSON.
    """

    times: NDArray[np.int64]
    streams: NDArray[np.int8]
    offsets: NDArray[np.int64]
    values: list[bytes]

    def __len__(self) -> int:
        return len(self.values)
