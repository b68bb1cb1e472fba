"""What the metrics of several subjects share: durations' buckets, counters that start at zero."""

from collections.abc import Iterable
from itertools import product

from prometheus_client import CollectorRegistry, Counter

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
"""Buckets of what takes milliseconds or seconds."""


def counter(registry: CollectorRegistry, name: str, text: str, **labels: Iterable[str]) -> Counter:
    """A counter with a series at zero for every value of its labels.

    The series exist before the first event, so that a rate over them is 0 and not missing.
    """
    made = Counter(name, text, tuple(labels), registry=registry)
    if labels:
        for values in product(*labels.values()):
            made.labels(*values)
    return made
