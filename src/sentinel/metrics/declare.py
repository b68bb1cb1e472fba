"""Counters whose labels have a known set of values."""

from collections.abc import Iterable
from itertools import product

from prometheus_client import CollectorRegistry, Counter


def counter(registry: CollectorRegistry, name: str, text: str, **labels: Iterable[str]) -> Counter:
    """A counter with a series at zero for every value of its labels.

    The series exist before the first event, so that a rate over them is 0 and not missing.
    """
    made = Counter(name, text, tuple(labels), registry=registry)
    if labels:
        for values in product(*labels.values()):
            made.labels(*values)
    return made
