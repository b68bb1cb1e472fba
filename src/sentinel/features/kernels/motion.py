"""Time since the last event of a kind, and speed between located events.

Words of "since": the last event time and the one before it.  Words of velocity: the last and
the one before it of [event time, latitude, longitude].  A late event is told how it was between
the two; before both the value is missing, for what came before is no longer held.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.features.kernels.conditions import applies
from sentinel.model.kernel import inlined, kernel

SINCE_WORDS, VELOCITY_WORDS = 2, 6
BITS, AT, OUT, DEMAND = 0, 3, 4, 5  # of both tables; BITS: one per stream
LATITUDE, LONGITUDE = 6, 7  # of the velocity table
EARTH_RADIUS_KM = 6371.0088
LEAST_HOURS = 1 / 6  # closer events are taken as ten minutes apart: positions are rough


@kernel
def seconds_since(i: NDArray[np.int64], at: int, time: int) -> float:
    """Seconds since the last event at ``time`` or before; NaN if there is none, or none is held."""
    for k in range(2):
        if i[at + k] != 0 and i[at + k] <= time:
            return (time - i[at + k]) / 1000.0
    return np.nan


@kernel
def note(i: NDArray[np.int64], at: int, time: int) -> None:
    """Remember an event time, if it is among the last two."""
    if time > i[at]:
        i[at + 1], i[at] = i[at], time
    elif i[at] > time > i[at + 1]:
        i[at + 1] = time


@kernel
def distance_km(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Great-circle distance of two points in degrees (haversine)."""
    a, b = np.radians(lat_a), np.radians(lat_b)
    half_lat, half_lon = (b - a) / 2, np.radians(lon_b - lon_a) / 2
    chord = np.sin(half_lat) ** 2 + np.cos(a) * np.cos(b) * np.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(min(1.0, chord)))


@kernel
def travel(
    f: NDArray[np.float64], i: NDArray[np.int64], at: int, time: int, lat: float, lon: float
) -> float:
    """Speed in km/h from the located event before this one, which is then remembered."""
    if np.isnan(lat) or np.isnan(lon):
        return np.nan
    speed = np.nan
    for k in range(2):
        place = at + 3 * k
        if i[place] != 0 and i[place] <= time:
            hours = max((time - i[place]) / 3_600_000.0, LEAST_HOURS)
            speed = distance_km(f[place + 1], f[place + 2], lat, lon) / hours
            break
    place = at
    if time < i[at]:
        place = at + 3
        if time < i[place]:
            return speed
    else:
        for k in range(3):
            i[at + 3 + k] = i[at + k]
    i[place], f[place + 1], f[place + 2] = time, lat, lon
    return speed


@inlined
def elapse(
    i: NDArray[np.int64],
    row: int,
    table: NDArray[np.int64],
    stream: int,
    time: int,
    bits: int,
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Write the times since the last event before ``e``, which then is the last."""
    for q in range(len(table)):
        at = row + table[q, AT]
        if table[q, DEMAND] >> stream & 1:
            out[table[q, OUT], e] = seconds_since(i, at, time)
        if applies(table[q, BITS + stream], bits):
            note(i, at, time)


@inlined
def move(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    row: int,
    table: NDArray[np.int64],
    stream: int,
    time: int,
    bits: int,
    values: NDArray[np.float64],
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Write the speeds at event ``e`` and move the customer there."""
    for q in range(len(table)):
        speed = np.nan
        if applies(table[q, BITS + stream], bits):
            speed = travel(
                f,
                i,
                row + table[q, AT],
                time,
                values[table[q, LATITUDE], e],
                values[table[q, LONGITUDE], e],
            )
        if table[q, DEMAND] >> stream & 1:
            out[table[q, OUT], e] = speed
