"""The shipped rules in plain Python: conditions, and sequences as chains per customer."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from benchmarks.peer_conditions import Condition, compile_condition
from sentinel.features import Feature
from sentinel.model.columns import FIELDS
from sentinel.model.document import parse
from sentinel.model.duration import parse_duration
from sentinel.model.events import Event, Stream
from sentinel.model.signal import Risk, Signal, Stage, Title


class Part(NamedTuple):
    """A rule's condition on one stream: step ``number`` of ``steps``, counted from 0."""

    rule: dict[str, Any]
    number: int
    steps: int
    within_ms: int
    holds: Condition
