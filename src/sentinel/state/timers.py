"""Deadlines in keyed state: a bounded heap that fires each once, in order, by a given clock."""

import heapq
from collections.abc import Iterator

import msgspec

Key = tuple[str, ...]
NEVER = 2**62


class Timers:
    """At most one deadline for each key; ``capacity`` keys at most.

    A deadline that was moved or cancelled leaves its old entry in the heap, to be passed over;
    the heap is made anew when most of it is such entries.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._due: dict[Key, int] = {}
        self._heap: list[tuple[int, Key]] = []

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: Key) -> bool:
        return key in self._due

    def set(self, key: Key, due_ms: int) -> bool:
        """Set or move the deadline of ``key`` to ``due_ms``; False at capacity."""
        if key not in self._due and len(self._due) >= self._capacity:
            return False
        if self._due.get(key) != due_ms:
            self._due[key] = due_ms
            heapq.heappush(self._heap, (due_ms, key))
            if len(self._heap) > 2 * len(self._due) + 64:
                self._heap = sorted((due_ms, key) for key, due_ms in self._due.items())
        return True

    def cancel(self, key: Key) -> None:
        """Remove the deadline of ``key``, if it has one."""
        self._due.pop(key, None)

    def next_due_ms(self) -> int:
        """The earliest deadline; a moment far ahead if there is none."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else NEVER

    def pop(self) -> tuple[int, Key]:
        """Remove and return the earliest deadline, by key at the same time; there must be one."""
        due_ms = self.next_due_ms()
        _, key = heapq.heappop(self._heap)
        del self._due[key]
        return due_ms, key

    def pop_due(self, clock_ms: int) -> Iterator[tuple[int, Key]]:
        """Remove and return what is due, the earliest first and by key at the same time.

        Deadlines that are set meanwhile are returned in the same pass if they are due.
        """
        while self._heap and self._heap[0][0] <= clock_ms:
            due_ms, key = heapq.heappop(self._heap)
            if self._due.get(key) == due_ms:
                del self._due[key]
                yield due_ms, key

    def snapshot(self) -> bytes:
        """All deadlines in their order; equal deadlines give equal bytes."""
        return msgspec.msgpack.encode(sorted((due_ms, key) for key, due_ms in self._due.items()))

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave."""
        self._heap = msgspec.msgpack.decode(data, type=list[tuple[int, Key]])
        self._due = {key: due_ms for due_ms, key in self._heap}
