"""The loops on the customer's shard: events into rollup rows, and the texts of their entities.

All kinds of entities are summed up in one call, so that a step of one event costs a handful of
calls however many kinds there are.  The rows of a kind follow those of the kind before in one
array of words; row r of kind k is row ``bases[k] + r`` of what belongs to rows.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.entities.layout import (
    COUNT,
    HASH,
    NEWEST,
    PANE,
    PANE_MS,
    RECORDED,
    STREAM_BITS,
    SUM,
    TICK_MS,
    Table,
)
from sentinel.entities.raw_text import murmur2
from sentinel.model.columns import LENGTH, START
from sentinel.model.kernel import inlined, kernel

_EMPTY = -1
_SPREAD = 0x9E3779B97F4A7C15 - 2**64  # of Fibonacci hashing: panes of an entity lie far apart


@kernel
def gather(
    keys: NDArray[np.uint64],
    times: NDArray[np.int64],
    recorded: NDArray[np.int64],
    streams: NDArray[np.int8],
    customers: NDArray[np.uint64],
    bits: NDArray[np.int64],
    values: NDArray[np.int64],
    kinds: Table,
    parts: Table,
    table: NDArray[np.int32],
    words: NDArray[np.int64],
    firsts: NDArray[np.int64],
    who: NDArray[np.int64],
    used: NDArray[np.int64],
    ascending: NDArray[np.bool_],
) -> None:
    """Sum the n events of a batch up by entity and pane, for every kind.

    A row has the events that were appended in one second: a late event has a row of its
    own, in the order of append time.  Where customers are counted, it has those of
    one customer.
    ``keys`` uint64[kinds, n] are hashes of the entities' ids, 0 where an event names none;
    ``kinds`` GATHERED[kinds]; ``table`` int32[a power of two >= 2n] and ``who`` int64[n] are the
    kernel's own.  Written are ``used`` int64[kinds], how many rows there are; ``words``, row r of
    kind k from ``kinds[k].before * n + r * kinds[k].width`` on; ``firsts`` int64[kinds, n], the
    first event of each row; ``ascending`` bool[kinds], whether the rows are in order already.
    """
    n, last_cell = keys.shape[1], len(table) - 1
    for k in range(len(kinds)):
        kind = kinds[k]
        base, width = kind.before * n, kind.width
        used[k], ascending[k] = 0, True
        last_tick, last_pane = np.int64(0), np.int64(0)
        table[:] = _EMPTY
        for i in range(n):
            if keys[k, i] == 0 or bits[i] & kind.mask == 0:
                continue
            key, pane = np.int64(keys[k, i]), times[i] // PANE_MS + 1
            tick = recorded[i] // TICK_MS
            customer = np.int64(customers[i]) if bits[i] & kind.customer_mask else 0
            cell = (key ^ ((pane + tick) * _SPREAD) ^ customer) & last_cell
            while table[cell] != _EMPTY:
                at = base + table[cell] * width
                if (
                    words[at + HASH] == key
                    and words[at + PANE] == pane
                    and words[at + RECORDED] // TICK_MS == tick
                    and who[table[cell]] == customer
                ):
                    break
                cell = (cell + 1) & last_cell
            if table[cell] == _EMPTY:
                row = used[k]
                used[k] += 1
                table[cell] = row
                at = base + row * width
                for w in range(at, at + width):
                    words[w] = 0
                words[at + HASH], words[at + PANE] = key, pane
                firsts[k, row], who[row] = i, customer
                if tick < last_tick or (tick == last_tick and pane < last_pane):
                    ascending[k] = False
                last_tick, last_pane = tick, pane
            at = base + table[cell] * width
            words[at + NEWEST] = max(words[at + NEWEST], times[i] << STREAM_BITS | streams[i])
            words[at + RECORDED] = max(words[at + RECORDED], recorded[i])
            for p in range(kind.first_part, kind.last_part):
                part = parts[p]
                if not bits[i] >> part.bit & 1:
                    continue
                if part.operation == COUNT:
                    words[at + part.word] += 1
                elif part.operation == SUM:
                    words[at + part.word] += values[part.value, i]
                else:
                    words[at + part.word] = customer


@kernel
def add_lengths(
    stream: int,
    spans: NDArray[np.int64],
    fields: NDArray[np.int64],
    streams: NDArray[np.int8],
    rows: NDArray[np.int64],
    used: NDArray[np.int64],
    bases: NDArray[np.int64],
    firsts: NDArray[np.int64],
    lengths: NDArray[np.int64],
) -> None:
    """Write how long the ids are of the rows whose first event is of one stream.

    ``fields`` int64[kinds] is the row of the kind's field in ``spans`` int64[fields, m, 2], -1
    where the stream does not name the kind; ``streams`` int8[n] and ``rows`` int64[n] are of the
    batch.
    """
    for k in range(len(used)):
        if fields[k] < 0:
            continue
        for r in range(used[k]):
            i = firsts[k, r]
            if streams[i] == stream:
                lengths[bases[k] + r] = spans[fields[k], rows[i], LENGTH]


@kernel
def add_up(
    kinds: Table,
    used: NDArray[np.int64],
    bases: NDArray[np.int64],
    bank: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> None:
    """Make lengths int64[rows] the ends of the texts within their kind.

    ``starts`` int64[kinds + 1] is where each kind's texts begin among all.
    """
    starts[0] = 0
    for k in range(len(used)):
        end = 0
        for row in range(bases[k], bases[k] + used[k]):
            end += len(bank) if kinds[k].is_bank else lengths[row]
            lengths[row] = end
        starts[k + 1] = starts[k] + end


@inlined
def _copy(data: NDArray[np.uint8], start: int, size: int, out: NDArray[np.uint8], end: int) -> None:
    for j in range(size):
        out[end - size + j] = data[start + j]


@kernel
def copy_texts(
    stream: int,
    data: NDArray[np.uint8],
    spans: NDArray[np.int64],
    fields: NDArray[np.int64],
    streams: NDArray[np.int8],
    rows: NDArray[np.int64],
    used: NDArray[np.int64],
    bases: NDArray[np.int64],
    firsts: NDArray[np.int64],
    ends: NDArray[np.int64],
    starts: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> None:
    """Copy the ids of the rows whose first event is of one stream; see :func:`add_lengths`."""
    for k in range(len(used)):
        if fields[k] < 0:
            continue
        for r in range(used[k]):
            i = firsts[k, r]
            if streams[i] == stream:
                span = spans[fields[k], rows[i]]
                _copy(data, span[START], span[LENGTH], out, starts[k] + ends[bases[k] + r])


@kernel
def find_owners(
    kinds: Table,
    used: NDArray[np.int64],
    bases: NDArray[np.int64],
    bank: NDArray[np.uint8],
    prefixes: NDArray[np.uint8],
    ends: NDArray[np.int64],
    starts: NDArray[np.int64],
    text: NDArray[np.uint8],
    owners: NDArray[np.uint32],
) -> None:
    """Write the hash of each row's Kafka key, uint32[rows]; the bank's id is copied first."""
    for k in range(len(used)):
        kind, first, last = kinds[k], bases[k], bases[k] + used[k]
        if kind.is_bank:
            for row in range(first, last):
                _copy(bank, 0, len(bank), text, starts[k] + ends[row])
        murmur2(
            prefixes[kind.first_prefix : kind.last_prefix],
            text[starts[k] : starts[k + 1]],
            ends[first:last],
            owners[first:last],
        )


@kernel
def to_hundredths(amounts: NDArray[np.float64], most: float, out: NDArray[np.int64]) -> None:
    """Whole hundredths, int64[n], of amounts up to ``most`` hundredths; 0 where one is missing."""
    for i in range(len(amounts)):
        hundredths = amounts[i] * 100
        out[i] = 0 if np.isnan(hundredths) else np.rint(max(-most, min(most, hundredths)))
