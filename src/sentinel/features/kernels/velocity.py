"""Speed between located events.

Words: the last and the one before it of [event time, latitude, longitude].  A late event
between the two gets the value as of its time; before both the value is missing, as older ones are
not kept.
"""

from collections.abc import Sequence
from math import asin, cos, nan, radians, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from sentinel.features.builder import STREAMS, Builder
from sentinel.features.kernels.conditions import applies
from sentinel.features.kind import Feature, FeatureKind, Moment, Operation, Table, columns
from sentinel.model.kernel import inlined, kernel

WORDS = 6
EARTH_RADIUS_KM = 6371.0088
LEAST_HOURS = 1 / 6  # closer events are taken as ten minutes apart: positions are rough


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
    """Speed in km/h from the located event before this one, which is then kept."""
    if np.isnan(lat) or np.isnan(lon):
        return np.nan
    speed = np.nan
    for k in range(2):
        slot = at + 3 * k
        if i[slot] != 0 and i[slot] <= time:
            hours = max((time - i[slot]) / 3_600_000.0, LEAST_HOURS)
            speed = distance_km(f[slot + 1], f[slot + 2], lat, lon) / hours
            break
    slot = at
    if time < i[at]:
        slot = at + 3
        if time < i[slot]:
            return speed
    else:
        for k in range(3):
            i[at + 3 + k] = i[at + k]
    i[slot], f[slot + 1], f[slot + 2] = time, lat, lon
    return speed


@inlined
def move(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    row: int,
    table: Table,
    stream: int,
    time: int,
    bits: int,
    values: NDArray[np.float64],
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Write the speeds at event ``e`` and move the customer there."""
    for q in range(len(table)):
        feature = table[q]
        speed = np.nan
        if applies(feature.bits[stream], bits):
            lat, lon = values[feature.latitude, e], values[feature.longitude, e]
            speed = travel(f, i, row + feature.at, time, lat, lon)
        if feature.demand >> stream & 1:
            out[feature.out, e] = speed


def lay_out(build: Builder, feature: Feature) -> None:
    """A record for the feature, with a condition for each stream."""
    latitude, longitude = feature.fields
    build.add(
        "velocities",
        latitude=build.value(latitude),
        longitude=build.value(longitude),
        bits=build.stream_bits(feature),
        at=build.words(WORDS, feature.meaning),
        **build.out(feature),
    )


def oracle(_feature: Feature, moments: Sequence[Moment]) -> float:
    """The distance from the located event before, over the time since it."""
    *before, last = moments
    located = [each for each in before if each.values is not None]
    if last.values is None or not located:
        return nan
    previous = located[-1]
    assert previous.values is not None  # noqa: S101
    lat_a, lon_a = (radians(float(each)) for each in previous.values)
    lat_b, lon_b = (radians(float(each)) for each in last.values)
    chord = sin((lat_b - lat_a) / 2) ** 2
    chord += cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    hours = max((last.time - previous.time) / 3_600_000, LEAST_HOURS)
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, chord))) / hours


KIND = FeatureKind(
    operations=(
        Operation("velocity", fields=("latitude", "longitude"), many_streams=True, unit="km/h"),
    ),
    tables={
        "velocities": columns("latitude", "longitude", "at", "out", "demand", bits=len(STREAMS))
    },
    lay_out=lay_out,
    oracle=oracle,
)
