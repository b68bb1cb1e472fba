"""The layout of measures: the words of a rollup row, and of an entity's slot at its owner.

A rollup row sums up the events of one entity in one pane of event time: its first words identify
it, the others are parts, each a count, a sum, or a sketch of customers.  Parts are added or
joined, so it never matters how a pane's events were spread over steps and shards.  At the
owner each measure has a ring of panes: windows are made of whole panes, their error is at
most one pane, a twelfth of the window (10 s at least).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.entities.declare import Measure, Measures, Operation
from sentinel.model.entity import EntityKind
from sentinel.model.events import Stream
from sentinel.model.response import Verdict

PANE_MS = 10_000
_PANES = 12
_MOST_CONDITIONS = 62

TICK_MS = 1_000
"""Rows are separated, ordered and applied by the second of their events' append times."""

HASH, PANE, NEWEST, RECORDED, PARTS = 0, 1, 2, 3, 4
"""Words of a rollup row: hash of the id; number of the pane, from 1; time of the newest event
(ms UTC) above STREAM_BITS for the index of its stream; greatest time of a record; the parts."""

_LEAST_STREAM_BITS = 2
STREAM_BITS = max(_LEAST_STREAM_BITS, (len(Stream) - 1).bit_length())
STREAM_MASK = (1 << STREAM_BITS) - 1

COUNT, SUM, DISTINCT = 0, 1, 2
SKETCH_WORDS = 4
PANE_WORDS = {COUNT: 1, SUM: 1, DISTINCT: SKETCH_WORDS + 1}
"""Words of a pane in a ring: of a distinct count its sketch, and how many rows are in it."""

KEPT = 64
"""How many customers a distinct count keeps one by one, those seen last: below it, it is exact."""

_OPERATIONS = {Operation.COUNT: COUNT, Operation.SUM: SUM, Operation.DISTINCT: DISTINCT}

SLOT_PANE, SLOT_RINGS = 0, 1
"""Words of a slot: number of the newest pane, then for each measure its value and its ring;
between them a distinct count has the number of customers kept, and KEPT words for them."""

Table = NDArray[np.void]
"""Records of int64 columns.  Numba compiles their names and order into the signature of a kernel,
so a changed table never meets a kernel of the on-disk cache that was compiled for another."""


def _columns(*names: str) -> np.dtype[np.void]:
    return np.dtype((np.record, [(name, np.int64) for name in names]))


PART = _columns("operation", "bit", "value", "word")
"""A part: its operation, the bit of its condition, the row of its value (-1 for none), its word
in the rollup row."""

GATHERED = _columns(
    "mask",
    "customer_mask",
    "width",
    "before",
    "first_part",
    "last_part",
    "first_prefix",
    "last_prefix",
    "is_bank",
)
"""A kind as it is gathered: its masks and the width of a row, see :class:`KindLayout`; the widths
of the kinds before it; where its parts and the prefix of its Kafka keys stand among all kinds'."""

MEASURE = _columns("operation", "word", "every", "panes", "slot_word")
"""A measure: its operation, the word of its part in the rollup row, how many panes of PANE_MS
make one pane of its ring, how many panes its ring has, the word of its value in the slot."""


@dataclass(frozen=True, slots=True)
class Condition:
    """When a part counts an event: it is of the stream, ``where`` holds, the field is present.

    With a ``verdict`` it counts labels of that verdict, and no events.
    """

    stream: Stream
    where: str | None
    field: str | None
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class KindLayout:
    """One kind's tables.

    ``parts`` are PART[parts], ``measures`` MEASURE[measures].  ``width`` is how many words a rollup
    row has, ``slot_width`` a slot.  ``mask`` has the bits of all parts, ``customer_mask`` of those
    that count customers: such a row is about one customer's events.  ``version`` is a hash of
    everything that rows and slots depend on.
    """

    kind: EntityKind
    names: tuple[str, ...]
    parts: Table
    measures: Table
    width: int
    slot_width: int
    longest_ms: int
    mask: int
    customer_mask: int
    version: bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """All kinds of entities that are measured.

    ``conditions`` gives each condition its bit, ``values`` are the fields that sums add up.
    """

    kinds: tuple[KindLayout, ...]
    conditions: Mapping[Condition, int]
    values: tuple[str, ...]

    @property
    def labelled(self) -> tuple[EntityKind, ...]:
        """The kinds that have a measure of verdicts."""
        bits = [bit for each, bit in self.conditions.items() if each.verdict is not None]
        return tuple(each.kind for each in self.kinds if any(each.mask >> bit & 1 for bit in bits))


def lay_out(measures: Measures, demand: Mapping[EntityKind, frozenset[str]]) -> Layout:
    """The layout of the demanded measures; raises ConfigError where there are too many."""
    conditions: dict[Condition, int] = {}
    values: list[str] = []
    kinds = []
    for kind, declared in measures.by_kind.items():
        wanted = [each for each in declared if each.name in demand.get(kind, frozenset())]
        if wanted:
            kinds.append(_lay_out(kind, wanted, conditions, values))
        if len(conditions) > _MOST_CONDITIONS:
            message = f"shared entities have more than {_MOST_CONDITIONS} different conditions"
            raise measures.document.error(("features", kind), message)
    return Layout(tuple(kinds), conditions, tuple(values))


def _lay_out(
    kind: EntityKind, wanted: list[Measure], conditions: dict[Condition, int], values: list[str]
) -> KindLayout:
    parts: dict[tuple[int, Condition], int] = {}
    rows, measures = [], []
    width, slot_width, mask, customer_mask = PARTS, SLOT_RINGS, 0, 0
    for each in wanted:
        operation = _OPERATIONS[each.operation]
        condition = Condition(each.stream, each.where, each.field, each.verdict)
        bit = conditions.setdefault(condition, len(conditions))
        mask |= 1 << bit
        is_sum = operation == SUM
        if is_sum and each.field is not None and each.field not in values:
            values.append(each.field)
        if (operation, condition) not in parts:
            parts[operation, condition] = width
            value = values.index(each.field) if is_sum and each.field is not None else -1
            rows.append((operation, bit, value, width))
            width += 1
            if operation == DISTINCT:
                customer_mask |= 1 << bit
        every = max(1, -(-each.window_ms // (_PANES * PANE_MS)))
        panes = -(-each.window_ms // (every * PANE_MS))
        measures.append((operation, parts[operation, condition], every, panes, slot_width))
        slot_width += 1 + panes * PANE_WORDS[operation]
        slot_width += 1 + KEPT if operation == DISTINCT else 0
    operands = [
        (each.operation, each.stream, each.field, each.where, each.verdict) for each in wanted
    ]
    identity: tuple[object, ...] = (PANE_MS, operands, measures)
    # A worker with fewer streams splits NEWEST at another bit.
    if STREAM_BITS > _LEAST_STREAM_BITS:
        identity = (*identity, STREAM_BITS)
    return KindLayout(
        kind=kind,
        names=tuple(each.name for each in wanted),
        parts=np.array(rows, PART),
        measures=np.array(measures, MEASURE),
        width=width,
        slot_width=slot_width,
        longest_ms=max(each.window_ms for each in wanted),
        mask=mask,
        customer_mask=customer_mask,
        version=hashlib.blake2b(msgspec.json.encode(identity), digest_size=8).digest(),
    )
