"""Customers who complain again and again, about different things."""

from collections import OrderedDict

import msgspec

from sentinel.state import newest

_DAY_MS = 86_400_000
_Complaint = tuple[int, str]


class Repeats:
    """The latest complaints of each customer: ``count`` at most, for ``capacity`` customers."""

    def __init__(self, days: int, count: int, capacity: int) -> None:
        self._within_ms, self._count, self._capacity = days * _DAY_MS, count, capacity
        self._latest: OrderedDict[str, list[_Complaint]] = OrderedDict()

    def add(self, customer_id: str, complaint_id: str, opened_at: int) -> bool:
        """Add a complaint; returns whether it and ``count - 1`` others came within the days."""
        self._forget_before(opened_at - self._within_ms)
        latest = self._latest.setdefault(customer_id, [])
        self._latest.move_to_end(customer_id)
        if any(known == complaint_id for _, known in latest):
            return False
        latest.append((opened_at, complaint_id))
        latest.sort()
        del latest[: -self._count]
        return (
            len(latest) == self._count
            and (opened_at, complaint_id) in latest
            and latest[-1][0] - latest[0][0] <= self._within_ms
        )

    def shrink(self) -> int:
        """Evict the customers idle for longest beyond the capacity; returns how many."""
        over = max(0, len(self._latest) - self._capacity)
        for _ in range(over):
            self._latest.popitem(last=False)
        return over

    def snapshot(self) -> bytes:
        """All that is known, the customer silent for longest first."""
        return msgspec.msgpack.encode(list(self._latest.items()))

    def spot(self) -> bytes:
        """The customers who complained last."""
        return msgspec.msgpack.encode(newest(self._latest))

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave."""
        entries = msgspec.msgpack.decode(data, type=list[tuple[str, list[_Complaint]]])
        self._latest = OrderedDict(entries)

    def _forget_before(self, horizon_ms: int) -> None:
        """Drop the customers whose complaints are all too old to count."""
        while self._latest and next(iter(self._latest.values()))[-1][0] < horizon_ms:
            self._latest.popitem(last=False)
