"""The customers of a shard: their slots, their features, and the features' warm-up."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from sentinel.features.feature_set import FeatureSet
from sentinel.model.columns import Batch
from sentinel.model.stage import Buffer, Parts
from sentinel.model.step import Limit
from sentinel.state import Slots

_SLOTS = "slots."
_SPOT_EVENTS = 1_000  # of a step whose customers' rows are looked at


class Customers:
    """At most ``capacity`` customers; one without events for ``ttl_ms`` is dropped."""

    def __init__(self, features: FeatureSet, capacity: int, ttl_ms: int) -> None:
        self._features, self._slots = features, Slots(capacity, ttl_ms)
        self._touched: NDArray[np.int64] = np.zeros(0, np.int64)
        self.limits: Counter[Limit] = Counter()

    def __len__(self) -> int:
        """How many customers are held."""
        return len(self._slots)

    def update(self, batch: Batch) -> None:
        """Add its customer's features to each event of a batch, and update them by the event."""
        slots, fresh, evictions = self._slots.assign(batch.customer, batch.event_time)
        self._touched = slots[-_SPOT_EVENTS:]
        lost = self._features.update(batch, slots, fresh)
        if lost or evictions.full or evictions.expired:
            self.limits[Limit.OVERFLOW_ROWS] += lost
            self.limits[Limit.SLOTS] += evictions.full
            self.limits[Limit.TTL] += evictions.expired

    @property
    def warm_share(self) -> float:
        """The share of the features that have seen as much as they look back."""
        return self._features.warm_up.share()

    @property
    def bytes_each(self) -> int:
        """Bytes of keyed state and bookkeeping for each customer that fits."""
        return self._features.bytes_per_customer + self._slots.nbytes // self._slots.capacity

    def snapshot(self) -> dict[str, Buffer]:
        """All of it; equal states give equal bytes."""
        rows, overflow, overflow_head = self._features.snapshot(self._slots.highest)
        return {
            **{_SLOTS + name: part for name, part in self._slots.snapshot().items()},
            "rows": rows,
            "busy": overflow,
            "busy_head": overflow_head,
            "warmth": self._features.warm_up.snapshot(),
        }

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave."""
        mine = {name: parts[name] for name in parts if name.startswith(_SLOTS)}
        self._slots.restore({name.removeprefix(_SLOTS): part for name, part in mine.items()})
        self._features.restore((parts["rows"], parts["busy"], parts["busy_head"]))
        self._features.warm_up.restore(bytes(parts["warmth"]))

    def carry(self, old: "Customers") -> None:
        """Continue with the customers of ``old`` and the state of features that both have."""
        was, now, without_slot = self._slots.carry(old._slots)  # noqa: SLF001
        without_panes = self._features.carry(old._features, was, now)  # noqa: SLF001
        self.limits[Limit.SLOTS] += without_slot
        self.limits[Limit.OVERFLOW_ROWS] += without_panes

    def spot(self) -> bytes:
        """The rows of the last step's last customers, one after another."""
        return self._features.rows_of(self._touched) + self._features.warm_up.snapshot()
