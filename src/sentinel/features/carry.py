"""State under another layout: words of the same meaning are carried over, new ones start empty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentinel.features.builder import Condition, Piece
from sentinel.features.kernels.advance import OVERFLOW
from sentinel.features.kernels.conditions import RING_BITS
from sentinel.features.kernels.rings import HEAD_WORDS, NO_RING, STAMP_SHIFT
from sentinel.features.layout import Layout
from sentinel.model.events import Stream

_ROWS = 16_384  # carried at once, to need little memory beside the two slabs
_LAST = np.iinfo(np.int64).max

Words = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Slab:
    """A layout's rows: ``rows`` int64[customers, width], ``overflow`` int64[n, overflow_width].

    ``overflow_head`` is int64[3] as the kernels have it.
    """

    layout: Layout
    rows: Words
    overflow: Words
    overflow_head: Words


def carry(old: Slab, new: Slab, was: Words, now: Words) -> int:
    """Fill ``new``, all zeros, with the customers of ``old``; those that lost their overflow row.

    ``was`` and ``now`` int64[n] are each customer's slot before and after.
    """
    shared = _shared(old.layout.pieces, new.layout.pieces)
    for start in range(0, len(was), _ROWS):
        source = old.rows[was[start : start + _ROWS]]
        target = np.zeros((len(source), new.layout.width), np.int64)
        for before, after in shared:
            target[:, after.at : after.at + after.words] = source[
                :, before.at : before.at + before.words
            ]
        for index, stream in enumerate(Stream):
            _carry_ring(old.layout, new.layout, index, stream, source, target)
        new.rows[now[start : start + _ROWS]] = target
    return _carry_overflow(old, new, was, now)


def _shared(old: tuple[Piece, ...], new: tuple[Piece, ...]) -> list[tuple[Piece, Piece]]:
    by_meaning = {piece.meaning: piece for piece in old}
    return [(by_meaning[each.meaning], each) for each in new if each.meaning in by_meaning]


def _carry_overflow(old: Slab, new: Slab, was: Words, now: Words) -> int:
    """Overflow rows stay where they are, or move up where there is less room or customers went."""
    shared = [(Piece("link", 0, 1), Piece("link", 0, 1))]
    shared += _shared(old.layout.overflow_pieces, new.layout.overflow_pieces)
    if int(old.overflow_head[1]) <= len(new.overflow) and np.array_equal(was, now):
        used = slice(0, int(old.overflow_head[1]))
        for before, after in shared:
            new.overflow[used, after.at : after.at + after.words] = old.overflow[
                used, before.at : before.at + before.words
            ]
        new.rows[now, OVERFLOW] = old.rows[was, OVERFLOW]
        new.overflow_head[:] = old.overflow_head
        return 0
    overflow = old.rows[was, OVERFLOW]
    having = np.flatnonzero(overflow)
    kept = having[: len(new.overflow)]
    for before, after in shared[1:]:
        new.overflow[: len(kept), after.at : after.at + after.words] = old.overflow[
            overflow[kept] - 1, before.at : before.at + before.words
        ]
    new.rows[now[kept], OVERFLOW] = np.arange(1, len(kept) + 1)
    new.overflow_head[:] = (0, len(kept), len(kept))
    return len(having) - len(kept)


def _carry_ring(
    old: Layout, new: Layout, index: int, stream: Stream, source: Words, target: Words
) -> None:
    """A stream's ring: the newest events that fit, with the bits and values of the new layout."""
    before, after = old.tables.rings[index], new.tables.rings[index]
    if NO_RING in (before["at"], after["at"]):
        return
    old_capacity, new_capacity = int(before["capacity"]), int(after["capacity"])
    at = int(before["at"])
    count = source[:, at]
    used = np.arange(old_capacity) < count[:, np.newaxis]
    stamps = source[:, at + HEAD_WORDS :][:, :old_capacity]
    names = old.ring_fields[stream], new.ring_fields[stream]
    values = np.zeros((len(names[1]), len(source), old_capacity), np.float64)
    for number, name in enumerate(names[1]):
        if name in names[0]:
            first = at + HEAD_WORDS + old_capacity * (1 + names[0].index(name))
            values[number] = source[:, first : first + old_capacity].view(np.float64)
    bits = np.zeros_like(stamps)
    for here, there in _bits(old, new, stream):
        bits |= (stamps >> here & 1) << there
    stamps = np.where(used, stamps >> STAMP_SHIFT << STAMP_SHIFT | bits, _LAST)
    order = np.lexsort((*values[::-1], stamps), axis=-1)
    stamps = np.take_along_axis(stamps, order, -1)
    # The oldest leave where the new ring is smaller.
    gone = np.maximum(count - new_capacity, 0)
    slots = np.minimum(np.arange(new_capacity) + gone[:, np.newaxis], old_capacity - 1)
    left = np.minimum(count, new_capacity)
    inside = np.arange(new_capacity) < left[:, np.newaxis]
    newest_gone = np.take_along_axis(stamps, np.maximum(gone - 1, 0)[:, np.newaxis], -1)[:, 0]
    to = int(after["at"])
    target[:, to] = left
    target[:, to + 1] = np.where(
        gone > 0, np.maximum(source[:, at + 1], newest_gone >> STAMP_SHIFT), source[:, at + 1]
    )
    first = to + HEAD_WORDS
    target[:, first : first + new_capacity] = np.where(
        inside, np.take_along_axis(stamps, slots, -1), 0
    )
    for number in range(len(names[1])):
        first += new_capacity
        moved = np.take_along_axis(np.take_along_axis(values[number], order, -1), slots, -1)
        target[:, first : first + new_capacity] = np.where(inside, moved, 0.0).view(np.int64)


def _bits(old: Layout, new: Layout, stream: Stream) -> list[tuple[int, int]]:
    """Where the bit of each condition that both rings know was, and is."""

    def in_ring(layout: Layout) -> dict[Condition, int]:
        return {
            condition: bit
            for condition, bit in layout.bits.items()
            if condition.stream is stream and bit < RING_BITS
        }

    before = in_ring(old)
    return [(before[each], bit) for each, bit in in_ring(new).items() if each in before]
