"""Sequences: steps of one customer in order of event time, whatever the order of arrival.

For each customer the matches of every step are kept while they can still be part of a
chain; events may arrive late by as much as the sequence's span.  A final event fires once,
when a chain up to it is complete, even if an earlier step arrives after it.
"""

from bisect import insort
from collections import Counter, OrderedDict
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from sentinel.model.events import Stream
from sentinel.model.signal import Clause
from sentinel.model.step import Limit

MAX_MATCHES = 16  # of one step and customer
MAX_CUSTOMERS = 100_000  # with a sequence under way, of one rule


class Match(Struct, order=True):
    """An event that met a step's condition; ordered by time, then id."""

    event_time: int
    event_id: str
    recorded_ms: int
    stream: Stream
    clauses: tuple[Clause, ...]
    fired: bool = False


class SequenceState:
    """The matches of one sequence rule, by customer."""

    def __init__(self, steps: int, within_ms: int) -> None:
        self._steps, self._within_ms = steps, within_ms
        self._customers: OrderedDict[str, list[list[Match]]] = OrderedDict()

    def add(
        self, customer_id: str, step: int, match: Match, limits: Counter[Limit]
    ) -> list[tuple[Match, ...]]:
        """Take a match in; returns the chains that it completes, oldest final event first."""
        matches = self._customers.pop(customer_id, None)
        if matches is None:
            matches = [[] for _ in range(self._steps)]
            if len(self._customers) == MAX_CUSTOMERS:
                self._customers.popitem(last=False)
                limits[Limit.SEQUENCE_CUSTOMERS] += 1
        self._customers[customer_id] = matches
        mine = matches[step]
        for each in mine:
            if each.event_id == match.event_id:
                return []
        insort(mine, match)
        newest = max([each[-1].event_time for each in matches if each])
        oldest = newest - 2 * self._within_ms
        for others in matches:
            while others and others[0].event_time < oldest:
                others.pop(0)
        if len(mine) > MAX_MATCHES:
            mine.pop(0)
            limits[Limit.SEQUENCE_MATCHES] += 1
        return self._completed(matches)

    def expects(self, customer_id: str, step: int) -> bool:
        """Whether a match of this step may complete or start a chain, as things stand.

        A final event of a customer without earlier steps only waits, in case one of them
        is late; nobody needs its explanation then.
        """
        if step < self._steps - 1:
            return True
        matches = self._customers.get(customer_id)
        return matches is not None and any(matches[:-1])

    def _completed(self, matches: list[list[Match]]) -> list[tuple[Match, ...]]:
        chains: list[tuple[Match, ...]] = []
        if not any(matches[:-1]):
            return chains
        for final in matches[-1]:
            if not final.fired:
                start = final.event_time - self._within_ms
                chain = _chain(matches[:-1], start, (final,))
                if chain is not None:
                    final.fired = True
                    chains.append(chain)
        return chains

    def snapshot(self) -> bytes:
        """All matches as bytes."""
        return msgspec.msgpack.encode(list(self._customers.items()))

    def restore(self, data: bytes) -> None:
        """Take the place of what :meth:`snapshot` saw."""
        items = msgspec.msgpack.decode(data, type=list[tuple[str, list[list[Match]]]])
        self._customers = OrderedDict(items)


def _chain(
    earlier: Sequence[list[Match]], start: int, later: tuple[Match, ...]
) -> tuple[Match, ...] | None:
    """Matches for the ``earlier`` steps at or after ``start``, distinct and before ``later``."""
    if not earlier:
        return later
    for match in reversed(earlier[-1]):
        if match.event_time < start:
            break
        if match.event_time <= later[0].event_time and all(
            match.event_id != each.event_id for each in later
        ):
            chain = _chain(earlier[:-1], start, (match, *later))
            if chain is not None:
                return chain
    return None
