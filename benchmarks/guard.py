"""Fail when Sentinel is slower than the committed ratios: ``python -m benchmarks.guard``.

Two ratios are measured in one process; higher is better:

- ``engine_vs_river``: the river peer's time per event over the engine's, shipped configuration
  by customer, on the same events;
- ``one_event_steps_vs_numpy``: the time of a fixed NumPy workload over that of a step of one
  event.

Both sides of a ratio run in turn, in slices of 1 to 50 milliseconds that are timed in processor
time of the process: waiting for a core is not counted, work in other threads is.  A
round's ratio is that of the fastest slice of each side, because other processes can only make a
slice slower.  The ratio is the median over the rounds.

``--commit`` writes the measured ratios into guard.json.  A ratio that has become better should be
committed too: the next regression is compared with it.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.configs import by_customer, shipped
from benchmarks.events import Record, events, steps
from benchmarks.machine import commit, machine
from benchmarks.river_peer import RiverPeer
from sentinel.engine import Configuration, Engine
from sentinel.model.events import Stream

GUARD = Path(__file__).with_name("guard.json")
COMMIT = "python -m benchmarks.guard --commit"
LEAST_SHARE = 0.75
"""A ratio below this share of the committed one fails."""

_CUSTOMERS = 50_000
_STEP_EVENTS, _WARM_STEPS = 5_000, 10
_PEER_EVENTS, _PEER_WARM_EVENTS = 250, 5_000
_ROUNDS, _SLICES, _SHORT_SLICES = 5, 8, 120
_ARRAYS, _ARRAY_VALUES = 100, 64

Slices = Iterator[float]
"""Each item is a slice that has run: processor seconds per event, per step or per workload."""


def measure(end_ms: int) -> dict[str, float]:
    """Both ratios; ``end_ms`` is the event time of the last event."""
    files = by_customer(shipped())
    full, single, peer = (
        _full_steps(files, end_ms),
        _single_steps(files, end_ms),
        _peer(files, end_ms),
    )
    numpy = _numpy()
    for each in (full, single, peer, numpy):
        next(each)  # the first slice is the warm-up
    gc.collect()
    gc.disable()
    try:
        return {
            "engine_vs_river": _ratio(full, peer, _SLICES),
            "one_event_steps_vs_numpy": _ratio(single, numpy, _SHORT_SLICES),
        }
    finally:
        gc.enable()


def failures(measured: Mapping[str, float], committed: Mapping[str, float]) -> list[str]:
    """One line for each ratio that is worse than allowed, with what to do."""
    return [
        f"{name} is {measured[name]:.3g}, less than {LEAST_SHARE} of the committed {ratio:.3g}: "
        f"Sentinel has become slower. If this is intended, run `{COMMIT}` on an idle machine "
        f"and commit {GUARD.name} with the reason."
        for name, ratio in committed.items()
        if measured[name] < LEAST_SHARE * ratio
    ]


def _ratio(ours: Slices, theirs: Slices, slices: int) -> float:
    ratios = []
    for _ in range(_ROUNDS):
        pairs = [(next(ours), next(theirs)) for _ in range(slices)]
        ratios.append(min(b for _, b in pairs) / min(a for a, _ in pairs))
    return median(ratios)


def _records(end_ms: int, only: Stream | None = None) -> Iterator[Record]:
    count = (_WARM_STEPS + _ROUNDS * _SLICES) * _STEP_EVENTS
    return events(count, customers=_CUSTOMERS, end_ms=end_ms, only=only)


def _warm(files: Mapping[str, str], records: Iterator[Record]) -> Engine:
    engine = Engine(Configuration.parse(files))
    for step in steps(islice(records, _WARM_STEPS * _STEP_EVENTS), _STEP_EVENTS):
        engine.process(step)
    return engine


def _full_steps(files: Mapping[str, str], end_ms: int) -> Slices:
    """The engine, a step of many events a slice."""
    records = _records(end_ms)
    engine = _warm(files, records)
    yield 0.0
    for step in steps(records, _STEP_EVENTS):
        started = time.process_time()
        engine.process(step)
        yield (time.process_time() - started) / _STEP_EVENTS


def _single_steps(files: Mapping[str, str], end_ms: int) -> Slices:
    """The engine, a step of one transaction a slice."""
    records = _records(end_ms, Stream.TRANSACTION)
    engine = _warm(files, records)
    yield 0.0
    for step in steps(records, 1):
        started = time.process_time()
        engine.process(step)
        yield time.process_time() - started


def _peer(files: Mapping[str, str], end_ms: int) -> Slices:
    """The river peer, event by event."""
    peer, records = RiverPeer(files), _records(end_ms)
    for record in islice(records, _PEER_WARM_EVENTS):
        peer.process(record)
    yield 0.0
    while True:
        some = list(islice(records, _PEER_EVENTS))
        started = time.process_time()
        for record in some:
            peer.process(record)
        yield (time.process_time() - started) / _PEER_EVENTS


def _numpy() -> Slices:
    """Short NumPy calls on many small arrays, as in a step of one event; no BLAS, no threads."""
    arrays = list(np.random.default_rng(7).random((_ARRAYS, _ARRAY_VALUES)))
    edges = np.linspace(0.0, 1.0, 16)
    columns = {f"column_{number}": array for number, array in enumerate(arrays)}
    yield 0.0
    while True:
        started = time.process_time()
        for values in columns.values():
            order = np.argsort(values, kind="stable")
            above = np.flatnonzero(values[order] > edges[8])
            bins = np.bincount(np.searchsorted(edges, values), minlength=len(edges))
            known = np.where(np.isnan(values), 0.0, np.maximum.accumulate(values))
            np.concatenate((np.cumsum(known), bins.astype(np.float64), np.unique(above)))
        yield time.process_time() - started


def main() -> None:
    """Measure and compare, or commit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard")
    parser.add_argument("--commit", action="store_true", help="write the measured ratios")
    to_commit = parser.parse_args().commit
    measured = measure(time.time_ns() // 10**6)
    if to_commit:
        ratios = {name: round(ratio, 3) for name, ratio in measured.items()}
        found = {"ratios": ratios, **commit(), "machine": machine()}
        GUARD.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    committed = json.loads(GUARD.read_text("utf-8"))["ratios"]
    for name, ratio in measured.items():
        better = f"; better: run `{COMMIT}`" if LEAST_SHARE * ratio > committed[name] else ""
        print(f"{name}: {ratio:.3g}, committed {committed[name]:.3g}{better}")
    sys.exit("\n".join(failures(measured, committed)) or 0)


if __name__ == "__main__":
    main()
