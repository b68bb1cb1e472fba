"""Whether the river peer and the engine do the same work: value by value on a sample.

Windows, calendars, recents and the like must be equal (sums to rounding), scores of the
trees equal to 1e-9 once river's first window, in which one event differs, has gone,
and so must the hits of every rule that does not read a tail probability: those are ranks
among the last 10,000 scores in the peer and among all, fading, in the engine.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from unittest.mock import patch

from benchmarks.events import Record, steps
from benchmarks.peer_features import Value
from benchmarks.river_peer import RiverPeer
from sentinel.configuration import Configuration
from sentinel.engine import Engine
from sentinel.model.columns import FIELDS, Batch, Kind
from sentinel.model.events import Stream
from sentinel.model.signal import Signal
from sentinel.rules import RuleSet

_RELATIVE, _ABSOLUTE = 1e-6, 1e-6

Hit = tuple[str, str]
"""(event id, rule id)."""


def agreement(files: Mapping[str, str], sample: Sequence[Record]) -> dict[str, float]:
    """Compare on ``sample``; raises AssertionError where they must agree and do not.

    Returns how many feature values and hits were compared, and the share of the
    hits of rules on tail probabilities that both have.
    """
    batch, signals = _engine(files, sample)
    peer = RiverPeer(files)
    hits: set[Hit] = set()
    values = 0
    for place, record in enumerate(sample):
        theirs, found, _ = peer.process(record)
        hits |= {(signal.event_id, signal.rule_id) for signal in found}
        values += _compare(batch, place, dict(zip(peer.names, theirs, strict=True)))
    ours = {(signal.event_id, signal.rule_id) for signal in signals}
    return {}
