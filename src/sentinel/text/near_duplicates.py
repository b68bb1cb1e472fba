"""One text from many customers: near-duplicates by MinHash.

Broder, On the resemblance and containment of documents, 1997: the share of equal least hashes
estimates the share of common pairs of words; bands of them (Leskovec et al., Mining of Massive
Datasets, ch. 3) find the few texts that are worth comparing.  Texts of few words are alike by
chance and are left out.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sentinel.model.kernel import kernel
from sentinel.model.step import Limit
from sentinel.state import newest
from sentinel.text.hashes import Hashes

_SIZE, _ROWS = 64, 4  # least hashes, and how many make a band: texts 0.5 alike mostly share one
_CANDIDATES = 16  # of a band: the newest groups
_ODD = np.random.default_rng(7).integers(0, 1 << 63, _SIZE, np.uint64) * np.uint64(2) + np.uint64(1)


class Group(Struct):
    """Texts near one text: its least hashes, and when each customer sent one (ms UTC)."""

    number: int
    signature: bytes
    newest_ms: int
    customers: dict[int, int]


class NearDuplicates:
    """Groups of near-equal texts within ``window_ms``, ``max_groups`` at most."""

    def __init__(
        self,
        window_ms: int,
        similarity: float,
        min_words: int,
        max_groups: int,
        max_customers: int,
    ) -> None:
        self._window_ms, self._alike = window_ms, similarity * _SIZE
        self._min_words, self._max_groups = min_words, max_groups
        self._max_customers = max_customers
        self._groups: OrderedDict[int, Group] = OrderedDict()  # the longest silent first
        self._bands: dict[int, list[int]] = {}  # groups by band, the oldest first
        self._founded, self._clock_ms = 0, 0

    def count(self, hashes: Hashes, customer: int, at_ms: int, limits: Counter[Limit]) -> float:
        """Customers with near this text within the window before ``at_ms``, this one included.

        NaN for a text of too few words.  ``customer`` is the hash of the customer's id.
        """
        if len(hashes.words) < self._min_words:
            return float("nan")
        self._clock_ms = max(self._clock_ms, at_ms)
        self._expire()
        signature = np.empty(_SIZE, np.uint64)
        _least(hashes.pairs, _ODD, signature)
        group = self._nearest(signature) or self._found(signature, limits)
        group.newest_ms = max(group.newest_ms, at_ms)
        group.customers[customer] = max(at_ms, group.customers.pop(customer, 0))
        if len(group.customers) > self._max_customers:
            del group.customers[next(iter(group.customers))]
            limits[Limit.NEAR_DUPLICATE_CUSTOMERS] += 1
        self._groups.move_to_end(group.number)
        first_ms = at_ms - self._window_ms
        return float(sum(first_ms < when_ms for when_ms in group.customers.values()))

    def _nearest(self, signature: NDArray[np.uint64]) -> Group | None:
        best, most = None, self._alike
        seen: set[int] = set()
        for band in _bands(signature):
            for number in self._bands.get(band, [])[-_CANDIDATES:]:
                if number not in seen:
                    seen.add(number)
                    group = self._groups[number]
                    alike = _common(group, signature)
                    if alike > most or (alike == most and best is None):
                        best, most = group, alike
        return best

    def _found(self, signature: NDArray[np.uint64], limits: Counter[Limit]) -> Group:
        if len(self._groups) >= self._max_groups:
            self._drop(next(iter(self._groups.values())))
            limits[Limit.NEAR_DUPLICATE_GROUPS] += 1
        group = Group(self._founded, signature.tobytes(), 0, {})
        self._founded += 1
        self._add(group)
        return group

    def _add(self, group: Group) -> None:
        self._groups[group.number] = group
        for band in _bands(np.frombuffer(group.signature, np.uint64)):
            self._bands.setdefault(band, []).append(group.number)

    def _drop(self, group: Group) -> None:
        del self._groups[group.number]
        for band in _bands(np.frombuffer(group.signature, np.uint64)):
            self._bands[band].remove(group.number)
            if not self._bands[band]:
                del self._bands[band]

    def _expire(self) -> None:
        horizon_ms = self._clock_ms - self._window_ms
        while self._groups:
            silent = next(iter(self._groups.values()))
            if silent.newest_ms > horizon_ms:
                return
            self._drop(silent)

    def snapshot(self) -> bytes:
        """All groups, the longest silent first."""
        groups = list(self._groups.values())
        return msgspec.msgpack.encode((self._founded, self._clock_ms, groups))

    def spot(self) -> bytes:
        """The groups that got a text last."""
        return msgspec.msgpack.encode((self._founded, self._clock_ms, newest(self._groups)))

    def restore(self, data: bytes) -> None:
        """Restore the state that :meth:`snapshot` returned."""
        self._founded, self._clock_ms, groups = msgspec.msgpack.decode(
            data, type=tuple[int, int, list[Group]]
        )
        self._groups, self._bands = OrderedDict(), {}
        for group in sorted(groups, key=lambda each: each.number):
            self._add(group)
        for group in groups:
            self._groups.move_to_end(group.number)


def _common(group: Group, signature: NDArray[np.uint64]) -> int:
    """How many least hashes a group's text has in common with a signature."""
    return int(np.count_nonzero(np.frombuffer(group.signature, np.uint64) == signature))


def _bands(signature: NDArray[np.uint64]) -> Iterator[int]:
    """The keys of a signature's bands."""
    with np.errstate(over="ignore"):
        rows = signature.reshape(-1, _ROWS) * _ODD[:_ROWS]
        keys = rows.sum(axis=1, dtype=np.uint64) ^ _ODD[: len(rows)]
    return iter(keys.tolist())


@kernel
def _least(pairs: NDArray[np.uint64], odd: NDArray[np.uint64], least: NDArray[np.uint64]) -> None:
    """For each multiplier the least of the multiplied hashes."""
    for k in range(len(odd)):
        lowest = np.uint64(0xFFFFFFFFFFFFFFFF)
        for i in range(len(pairs)):
            mixed = pairs[i] * odd[k]
            mixed = (mixed ^ (mixed >> np.uint64(32))) * odd[k]
            lowest = min(lowest, mixed)
        least[k] = lowest
