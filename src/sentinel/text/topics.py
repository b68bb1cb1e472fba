"""Emerging topics: words and pairs of words that come up far more often than they used to.

Every term has two counts that fade with event time, one in hours, one in weeks, kept in a
count-min sketch (Cormode and Muthukrishnan, J. Algorithms 55, 2005) whose size does not grow.
A term rises if its recent count is far above what its past and the recent number of complaints
make one expect, by the likelihood ratio G of Poisson counts (Dunning, Accurate Methods for the
Statistics of Surprise and Coincidence, 1993).  A sketch counts too much where terms collide, which
can hide a rise and hardly ever invents one.  A customer counts once a half-life, so that nobody
makes a topic alone.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sentinel.model.kernel import kernel
from sentinel.model.step import Limit
from sentinel.model.topic import Topic
from sentinel.state import newest
from sentinel.text.hashes import Hashes

_ROWS, _WIDTH = 2, 1 << 15
_EXAMPLES = 5
_FAST, _SLOW = 0, 1  # rows of counts: faded by half_life_ms, by past_half_life_ms
_FORGOTTEN_HALF_LIVES = 4  # after so many without a complaint a topic is over


@dataclass(frozen=True, slots=True)
class Rising:
    """When a term counts as rising.

    ``half_life_ms`` and ``past_half_life_ms`` are how fast the recent and the past count fade;
    ``min_count`` complaints must be recent; ``min_evidence`` is the least G (20: by chance once
    in 100,000 terms); ``warm_up`` complaints must be past before anything rises.
    """

    half_life_ms: int
    past_half_life_ms: int
    min_count: int
    min_evidence: float
    warm_up: int


class _Saved(Struct):
    topics: list[Topic]
    customers: list[tuple[int, int]]
    totals: tuple[float, float, int]
    used: bytes
    counts: bytes
    newest: bytes


class Topics:
    """The counts of all terms, and the topics that rise now, ``max_topics`` at most.

    ``max_customers`` are remembered as having complained within the half-life.
    """

    def __init__(self, rising: Rising, max_topics: int, max_customers: int) -> None:
        self._rising, self._max_topics = rising, max_topics
        self._max_customers = max_customers
        self._customers: OrderedDict[int, int] = OrderedDict()  # when each counted, ms UTC
        self._counts = np.zeros((2, _ROWS * _WIDTH))
        self._newest = np.zeros(_ROWS * _WIDTH, np.int64)
        self._totals = np.zeros((2, 1))
        self._total_newest = np.zeros(1, np.int64)
        self._half_lives = np.array([rising.half_life_ms, rising.past_half_life_ms], np.float64)
        self._topics: OrderedDict[str, Topic] = OrderedDict()  # the longest silent first

    @property
    def current(self) -> list[Topic]:
        """The topics that rose lately, the longest silent first."""
        return list(self._topics.values())

    def rise(
        self,
        words: Sequence[str],
        hashes: Hashes,
        complaint_id: str,
        customer: int,
        at_ms: int,
        limits: Counter[Limit],
    ) -> float:
        """How many times more often than before the complaint's most risen term comes up.

        0.0 if none rises, NaN while the past is too short.  The complaint itself is counted.
        ``customer`` is the hash of the customer's id.
        """
        terms, first = np.unique(np.concatenate([hashes.words, hashes.pairs]), return_index=True)
        seen = np.empty((2, len(terms)))
        weight = float(self._counts_now(customer, at_ms, limits))
        _count(_cells(terms), at_ms, weight, self._half_lives, self._counts, self._newest, seen)
        everything = np.empty((2, 1))
        _count(_ALL, at_ms, weight, self._half_lives, self._totals, self._total_newest, everything)
        self._forget()
        recent_all = float(everything[_FAST, 0])
        past_all = float(everything[_SLOW, 0]) - recent_all
        if past_all < self._rising.warm_up:
            return float("nan")
        most = 0.0
        for index in np.flatnonzero(seen[_FAST] >= self._rising.min_count).tolist():
            recent, past = float(seen[_FAST, index]), float(seen[_SLOW, index] - seen[_FAST, index])
            expected = (past + 0.5) / (past_all + 1) * recent_all
            evidence = 2 * (recent * math.log(recent / expected) - (recent - expected))
            if recent > expected and evidence >= self._rising.min_evidence:
                rise = recent / expected
                most = max(most, rise)
                self._note(_name(words, int(first[index])), complaint_id, at_ms, rise, limits)
        return most

    def _counts_now(self, customer: int, at_ms: int, limits: Counter[Limit]) -> bool:
        """Whether a customer has not counted within the half-life before ``at_ms``."""
        half_life_ms = self._rising.half_life_ms
        horizon_ms = max(at_ms, int(self._total_newest[0])) - half_life_ms
        while self._customers and next(iter(self._customers.values())) <= horizon_ms:
            self._customers.popitem(last=False)
        if customer in self._customers and abs(at_ms - self._customers[customer]) < half_life_ms:
            return False
        self._customers[customer] = at_ms
        self._customers.move_to_end(customer)
        if len(self._customers) > self._max_customers:
            self._customers.popitem(last=False)
            limits[Limit.TOPIC_CUSTOMERS] += 1
        return True

    def _note(
        self, term: str, complaint_id: str, at_ms: int, rise: float, limits: Counter[Limit]
    ) -> None:
        known = self._topics.get(term)
        self._topics[term] = Topic(
            term=term,
            since_ms=known.since_ms if known else at_ms,
            newest_ms=max(known.newest_ms, at_ms) if known else at_ms,
            complaints=known.complaints + 1 if known else 1,
            rise=rise,
            examples=(*(known.examples if known else ()), complaint_id)[-_EXAMPLES:],
        )
        self._topics.move_to_end(term)
        if len(self._topics) > self._max_topics:
            self._topics.popitem(last=False)
            limits[Limit.TOPICS] += 1

    def _forget(self) -> None:
        """Drop topics without complaints for long."""
        horizon_ms = int(self._total_newest[0]) - _FORGOTTEN_HALF_LIVES * self._rising.half_life_ms
        while self._topics and next(iter(self._topics.values())).newest_ms < horizon_ms:
            self._topics.popitem(last=False)

    def snapshot(self) -> bytes:
        """All counts and topics; as big as the terms that were seen are many."""
        used = np.flatnonzero(self._counts[_SLOW] + self._newest).astype(np.uint32)
        return msgspec.msgpack.encode(
            _Saved(
                list(self._topics.values()),
                list(self._customers.items()),
                (*self._totals[:, 0].tolist(), int(self._total_newest[0])),
                used.tobytes(),
                self._counts[:, used].tobytes(),
                self._newest[used].tobytes(),
            )
        )

    def spot(self) -> bytes:
        """The totals, the topics that rose last and who counted last."""
        parts = newest(self._topics), newest(self._customers)
        return self._totals.tobytes() + msgspec.msgpack.encode(parts)

    def restore(self, data: bytes) -> None:
        """Restore the state that :meth:`snapshot` returned."""
        saved = msgspec.msgpack.decode(data, type=_Saved)
        used = np.frombuffer(saved.used, np.uint32)
        self._counts[:], self._newest[:] = 0, 0
        self._counts[:, used] = np.frombuffer(saved.counts).reshape(2, len(used))
        self._newest[used] = np.frombuffer(saved.newest, np.int64)
        self._totals[:, 0], self._total_newest[0] = saved.totals[:2], saved.totals[2]
        self._topics = OrderedDict((topic.term, topic) for topic in saved.topics)
        self._customers = OrderedDict(saved.customers)


_ALL = np.zeros((1, 1), np.int64)  # the one cell that counts every complaint


def _cells(terms: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where each term is counted, int64[rows, n]: rows by different bits of the hash."""
    bits = np.uint64(_WIDTH.bit_length() - 1)
    parts = [(terms >> (bits * np.uint64(row))) % np.uint64(_WIDTH) for row in range(_ROWS)]
    return np.stack([part.astype(np.int64) + row * _WIDTH for row, part in enumerate(parts)])


def _name(words: Sequence[str], index: int) -> str:
    """The term at an index of the words followed by the pairs."""
    if index < len(words):
        return words[index]
    start = index - len(words)
    return f"{words[start]} {words[start + 1]}"


@kernel
def _count(
    cells: NDArray[np.int64],
    at_ms: int,
    weight: float,
    half_lives_ms: NDArray[np.float64],
    counts: NDArray[np.float64],
    newest: NDArray[np.int64],
    seen: NDArray[np.float64],
) -> None:
    """Add ``weight`` to each term's cells, faded to the newest time; ``seen`` is their least."""
    for i in range(cells.shape[1]):
        for scale in range(2):
            seen[scale, i] = np.inf
        for row in range(cells.shape[0]):
            cell = cells[row, i]
            ahead = max(0, at_ms - newest[cell])
            behind = max(0, newest[cell] - at_ms)
            for scale in range(2):
                kept = counts[scale, cell] * 2.0 ** (-ahead / half_lives_ms[scale])
                kept += weight * 2.0 ** (-behind / half_lives_ms[scale])
                counts[scale, cell] = kept
                seen[scale, i] = min(seen[scale, i], kept)
            newest[cell] = max(newest[cell], at_ms)
