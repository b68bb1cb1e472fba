"""A block: consecutive rows of one file as event JSON, with what ordering needs."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

UNKNOWN_TIME = -1
"""Stands where a row's event time cannot be told; ingest will refuse the event."""


class ReplayError(Exception):
    """A file cannot be replayed as asked; the message is one line for the user."""


class Skip(StrEnum):
    """Why a row was left out before the engine saw it."""

    NO_PATTERN = "no_pattern"  # a line of a text log in which no pattern is found
    NO_STREAM = "no_stream"  # a line that states no stream, where no other line is like it
    NOT_JSON = "not_json"  # a line of foreign JSON that is not a JSON object
    TOO_LONG = "too_long"  # a line of more than 4 MiB
    RAGGED = "ragged"  # a CSV row with more or fewer cells than the header


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one file, column by column.

    ``times`` int64[n] is the event time in ms UTC or ``UNKNOWN_TIME``, ``streams``
    int8[n] the place in ``tuple(Stream)``, ``offsets`` int64[n] the row's number in the
    file from 1, ``values`` the n lines of JSON.
    """

    times: NDArray[np.int64]
    streams: NDArray[np.int8]
    offsets: NDArray[np.int64]
    values: list[bytes]

    def __len__(self) -> int:
        return len(self.values)
