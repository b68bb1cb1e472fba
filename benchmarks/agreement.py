"""Whether the river peer and the engine do the same work: value by value on a sample.

Features must be equal (sums to rounding), and so must the hits of every rule that
reads no detector.  The trees' scores must be equal once two windows have passed: river
grows its trees at the first event, which must have all features, so what is missing from
it is 0 for the peer.  Tail probabilities are ranks among the last 10,000 scores in the
peer and among all, fading, in the engine; of the hits of rules that read them, the
share that both have is told.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.events import Record, steps
from benchmarks.river_peer import RiverPeer
from sentinel.engine import Configuration, Engine
from sentinel.model.columns import Array, Batch
from sentinel.model.signal import Signal
from sentinel.rules import Rule, RuleSet

_TOLERANCE = 1e-6
_TRUTH = {False: 0, None: 1, True: 2}


def agreement(files: Mapping[str, str], sample: Sequence[Record]) -> dict[str, float]:
    """Compare on ``sample``; raises AssertionError where they must agree and do not.

    Returns how many values and hits are equal, and the share of detectors' hits in common.
    """
    batch, signals = _engine(files, sample)
    peer = RiverPeer(files)
    values: list[list[Any]] = []
    theirs: set[tuple[str, str]] = set()
    for record in sample:
        of_event, found, _ = peer.process(record)
        values.append(of_event)
        theirs |= {(signal.event_id, signal.rule_id) for signal in found}
    ours = {(signal.event_id, signal.rule_id) for signal in signals}
    learnt = {rule.id for rule in peer.rules if _reads(rule, peer.outputs)}
    plain = {hit for hit in ours if hit[1] not in learnt}
    assert plain == {hit for hit in theirs if hit[1] not in learnt}
    return {
        "equal_values": _equal_values(batch, values, peer),
        "equal_hits": len(plain),
        "detector_hits": len(ours - plain),
        "detector_hits_in_common": len((ours & theirs) - plain) / max(len(ours - plain), 1),
    }


def _engine(files: Mapping[str, str], sample: Sequence[Record]) -> tuple[Batch, list[Signal]]:
    """The whole sample as one batch, with all its columns, and its signals."""
    seen: list[tuple[Batch, list[Signal]]] = []
    evaluate = RuleSet.evaluate

    def watched(rules: RuleSet, batch: Batch) -> list[Signal]:
        seen.append((batch, evaluate(rules, batch)))
        return seen[-1][1]

    (step,) = steps(iter(sample), len(sample) + 1)
    with patch.object(RuleSet, "evaluate", watched):
        Engine(Configuration.parse(files)).process(step)
    return seen[0]


def _reads(rule: Rule, names: Sequence[str]) -> bool:
    parts = rule.sequence.steps if rule.sequence else ()
    text = " ".join([rule.when or "", *(part.when for part in parts)])
    return any(name in text for name in names)


def _equal_values(batch: Batch, values: list[list[Any]], peer: RiverPeer) -> int:
    """How many were compared; all of them are equal."""
    compared = 0
    for rows in batch.rows.values():
        for at, name in enumerate(peer.names):
            if name not in rows.columns or name.endswith("_p"):
                continue
            ours = rows.columns[name].astype(np.float64, copy=False)
            theirs = _column(
                [values[index][at] for index in rows.index.tolist()], rows.columns[name]
            )
            scored = np.flatnonzero(~np.isnan(ours)) if name in peer.outputs else None
            start = 0 if scored is None else 2 * int(scored[0]) if len(scored) else len(ours)
            same = np.isclose(theirs, ours, _TOLERANCE, _TOLERANCE, equal_nan=True)
            assert same[start:].all(), f"{name} differs {np.count_nonzero(~same[start:])} times"
            compared += len(ours) - start
    return compared


def _column(values: list[Any], like: Array) -> NDArray[np.float64]:
    """The peer's values as the engine writes them: NaN is missing, truths are 0, 1, 2."""
    if like.dtype == np.int8:
        return np.array([_TRUTH[value] for value in values], np.float64)
    return np.array(values, np.float64)
