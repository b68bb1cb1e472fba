"""Time since the last event of a kind, and speed between located events.

Words of "since": [event time].  Words of velocity: [event time, latitude, longitude].
Late events neither ask nor move these: the value is missing.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.features.kernels.conditions import applies
from sentinel.model.kernel import inlined, kernel

SINCE_WORDS, VELOCITY_WORDS = 1, 3
BITS, AT, OUT, DEMAND = 0, 3, 4, 5  # of both tables; BITS: one per stream
LATITUDE, LONGITUDE = 6, 7  # of the velocity table
EARTH_RADIUS_KM = 6371.0088
LEAST_HOURS = 1 / 6  # closer events are taken as ten minutes apart: positions are rough


@kernel
def seconds_since(i: NDArray[np.int64], at: int, time: int) -> float:
    """Seconds since the last event before this one; NaN if none or if this one is late."""
    if i[at] == 0 or time < i[at]:
        return np.nan
    return (time - i[at]) / 1000.0


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
    """Speed in km/h from the last located event, which this one then replaces."""
    if np.isnan(lat) or np.isnan(lon) or time < i[at]:
        return np.nan
    speed = np.nan
    if i[at] != 0:
        hours = max((time - i[at]) / 3_600_000.0, LEAST_HOURS)
        speed = distance_km(f[at + 1], f[at + 2], lat, lon) / hours
    i[at], f[at + 1], f[at + 2] = time, lat, lon
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
            i[at] = max(i[at], time)


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
