"""The inbox: the fetched records of a shard, and which of them make the next step.

A shard that is behind must see a login before the transaction that followed it, whichever topic
was fetched first.  So records leave the inbox in the order of append time: up to the stream time
that every input has reached.  An input that has unread records reaches its last buffered one; an
input that is read to its end reaches wall-clock time.  (Kafka Streams calls this task idling,
KIP-695; Flink watermark alignment, FLIP-182.)
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentinel.ingest import NEVER
from sentinel.ingest.append_time import AHEAD_MS, WITNESSES, append_times, borne_out_ms
from sentinel.kafka.records import Fetched
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.rollup import BEHIND_MS

Source = Stream | Control

ALIGNED: tuple[Source, ...] = (*Stream, Control.RESPONSE)
"""The inputs that are read in one order of append time; rollups come as they come."""
BUFFERED_RECORDS, BUFFERED_CHUNKS = 40_000, 4
"""With so many records or chunks of an input buffered that were not read ahead, no more of it is
fetched; nor with three times as many records in all."""
STEP_RECORDS = 50_000
WAIT_MS, WAIT_BEHIND_MS = 5_000, 60_000
"""For so long an input whose unread records do not arrive holds up the others: a shard that is
behind can wait for them, live alerts cannot."""

ENOUGH_RECORDS = 8
GATHER_MS, GATHER_ROLLUPS_MS = 3, 30
"""So many records are worth a step at once.  Fewer wait for others of their fetch, which come one
chunk after the other, and rollups alone for events: each step costs a transaction."""

_ALL = 2**62


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """A chunk in the inbox, and its acknowledgement to Faust."""

    stream: Source
    records: Fetched
    ack: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Due:
    """What makes the next step: chunks in order, acks that are due after it, and stream time.

    ``ahead`` are chunks to read ahead of their processing, up to stream time ``ahead_ms``.
    """

    chunks: list[tuple[Source, Fetched]]
    acks: list[Callable[[], Any]]
    stream_ms: int
    ahead: list[tuple[Source, Fetched]] = field(default_factory=list)
    ahead_ms: int | None = None

    def __bool__(self) -> bool:
        return bool(self.chunks or self.ahead)


class _Dated(NamedTuple):
    """A chunk with the timestamps of its records, 0 where they have none, and append times."""

    pending: PendingBatch
    recorded: NDArray[np.int64]
    times: NDArray[np.int64]


class _Buffer:
    """The chunks of one input with their append times, oldest first."""

    def __init__(self) -> None:
        self.chunks: deque[_Dated] = deque()
        self._last_offset = -1
        self.records = self.ahead = 0
        """How many records there are, and how many of them have been read ahead."""
        self.reached_ms = NEVER
        self.waits_since_ms: int | None = None
        """Wall-clock time at which the first of the buffered chunks came."""
        self._drained_ms = NEVER
        self._stalled_ms: int | None = None
        self._gave_up = False

    def start(self, reached_ms: int) -> None:
        """Continue behind a record that was appended at ``reached_ms``."""
        self.reached_ms = self._drained_ms = max(self.reached_ms, reached_ms)

    def put(self, pending: PendingBatch, wall_ms: int) -> None:
        """Add a chunk; it may confirm the timestamps of the last records before it.

        Records that a rebalance delivers again come behind later ones: they confirm
        nothing, and get the append time of the record before them.
        """
        offsets = np.array(pending.records.offsets, np.int64)
        recorded = np.array(pending.records.recorded_ms, np.int64)
        recorded[offsets <= self._last_offset] = 0
        self._last_offset = max(self._last_offset, int(offsets[-1]))
        n = len(recorded)
        if not self.chunks:
            self.waits_since_ms = wall_ms
        self.chunks.append(_Dated(pending, recorded, np.empty(n, np.int64)))
        self.records += n
        before_ms, last = self._last(n + WITNESSES)
        timestamps = np.concatenate([recorded for recorded, _ in last])
        times = append_times(timestamps, np.zeros(len(timestamps), np.int64), before_ms, wall_ms)
        self.reached_ms = int(times[-1])
        for _, written in reversed(last):
            written[:], times = times[len(times) - len(written) :], times[: -len(written)]

    def settled_ms(self) -> int:
        """The append time of the last record, as far as the buffered records confirm it."""
        _, last = self._last(WITNESSES)
        median_ms = borne_out_ms(np.concatenate([recorded for recorded, _ in last]))
        return self.reached_ms if self.reached_ms <= median_ms + AHEAD_MS else median_ms

    def _last(self, n: int) -> tuple[int, list[tuple[NDArray[np.int64], NDArray[np.int64]]]]:
        """Timestamps and append times of the last ``n`` records, and the append time before."""
        found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for _, recorded, times in reversed(self.chunks):
            if not n:
                return int(times[-1]), found
            k = min(n, len(times))
            found.insert(0, (recorded[-k:], times[-k:]))
            n -= k
            if k < len(times):
                return int(times[-k - 1]), found
        return self._drained_ms, found

    def times(self) -> list[NDArray[np.int64]]:
        return [times for *_, times in self.chunks]

    def unread_times(self) -> list[NDArray[np.int64]]:
        """The append times of what has not been read ahead, by chunk."""
        found, passed = [], 0
        for times in self.times():
            if passed + len(times) > self.ahead:
                found.append(times[max(0, self.ahead - passed) :])
            passed += len(times)
        return found

    def has_room(self) -> bool:
        """Whether more should be fetched."""
        return (
            self.records - self.ahead < BUFFERED_RECORDS
            and self.records < 3 * BUFFERED_RECORDS
            and len(self.unread_times()) < BUFFERED_CHUNKS
        )

    def holds_up(self, wall_ms: int, wait_ms: int) -> bool:
        """Whether a step has to wait for this input, whose buffer is empty."""
        if self._stalled_ms is None:
            self._stalled_ms = wall_ms
        return wall_ms - self._stalled_ms < wait_ms

    def gives_up(self) -> bool:
        """Whether the wait for the input has just become too long."""
        gave_up, self._gave_up = self._gave_up, True
        return not gave_up

    def goes_on(self) -> None:
        """Note that records of the input arrive again."""
        self._stalled_ms, self._gave_up = None, False

    def read_ahead(self, until_ms: int) -> list[tuple[Source, Fetched]]:
        """The records appended up to ``until_ms`` that have not been read ahead; they stay."""
        found: list[tuple[Source, Fetched]] = []
        passed = 0
        for pending, _, times in self.chunks:
            start = min(max(0, self.ahead - passed), len(times))
            end = int(np.searchsorted(times, until_ms, side="right"))
            if start < end:
                found.append((pending.stream, pending.records.part(start, end)))
            passed += len(times)
        self.ahead += sum(len(each) for _, each in found)
        return found

    def drain(self, until_ms: int, most: int) -> Due:
        """Remove the records appended up to ``until_ms``, at most about ``most`` of them."""
        due = Due([], [], until_ms)
        n_drained = 0
        while self.chunks and n_drained < most:
            pending, recorded, times = self.chunks[0]
            n = int(np.searchsorted(times, until_ms, side="right"))
            if not n:
                break
            records = pending.records
            if n < len(times):
                records, rest = records.part(0, n), records.part(n, len(times))
                left = PendingBatch(pending.stream, rest, pending.ack)
                self.chunks[0] = _Dated(left, recorded[n:], times[n:])
            else:
                self.chunks.popleft()
                due.acks.append(pending.ack)
            due.chunks.append((pending.stream, records))
            n_drained += n
            self._drained_ms = int(times[n - 1])
        self.records -= n_drained
        self.ahead = max(0, self.ahead - n_drained)
        return due


class Inbox:
    """The buffers of one shard's inputs.

    ``given_up`` counts, by input, how often a step did not wait longer for the input.
    """

    def __init__(self) -> None:
        self._buffers: dict[Source, _Buffer] = {
            source: _Buffer() for source in (*ALIGNED, Control.ROLLUP)
        }
        self.stream_ms, self._ahead_ms = NEVER, NEVER
        self._ahead_ends_ms: deque[int] = deque()
        """Up to where each read ahead went that is not processed yet."""
        self.given_up: Counter[Source] = Counter()

    def __len__(self) -> int:
        """How many records are buffered."""
        return sum(each.records for each in self._buffers.values())

    def start(self, reached_ms: Mapping[Source, int], stream_ms: int) -> None:
        """Go on behind the append times of what was processed before, and its stream time."""
        self.stream_ms = max(self.stream_ms, stream_ms)
        for source, buffer in self._buffers.items():
            buffer.start(reached_ms.get(source, NEVER))

    def put(self, pending: PendingBatch, wall_ms: int) -> None:
        """Add the next chunk of an input."""
        self._buffers[pending.stream].put(pending, wall_ms)

    def gathers_ms(self, wall_ms: int) -> int:
        """For how long the next step is not worth taking yet, because more is about to come."""
        left = []
        for source, buffer in self._buffers.items():
            if buffer.records >= ENOUGH_RECORDS:
                return 0
            if buffer.records and buffer.waits_since_ms is not None:
                longest = GATHER_ROLLUPS_MS if source is Control.ROLLUP else GATHER_MS
                # The clock may have been set back since.
                left.append(min(longest, buffer.waits_since_ms + longest - wall_ms))
        return max(0, min(left, default=0))

    def wants(self, source: Source) -> bool:
        """Whether more of an input should be fetched."""
        return self._buffers[source].has_room()

    def clear(self) -> None:
        """Drop everything, without acks; no step may follow."""
        for buffer in self._buffers.values():
            buffer.chunks.clear()
            buffer.records = buffer.ahead = 0

    def next_step(
        self, has_ended: Callable[[Source], bool], wall_ms: int, bound_ms: int | None = None
    ) -> Due:
        """Remove what makes the next step, perhaps nothing.

        ``has_ended`` returns whether all records of an input have arrived.  With ``bound_ms`` a
        shard that is behind reads records ahead, and processes in a later step those that were
        appended by then.
        """
        frontier_ms = self._frontier_ms(has_ended, wall_ms)
        ahead: list[tuple[Source, Fetched]] = []
        ahead_ms = None
        if bound_ms is None or not self._is_behind(wall_ms):
            until_ms = _within_a_step(
                [self._buffers[each].times() for each in ALIGNED], frontier_ms
            )
        else:
            # What was read ahead together is processed together, as far as the bound allows.
            first_ms = self._ahead_ends_ms[0] if self._ahead_ends_ms else self._ahead_ms
            unread = [self._buffers[each].unread_times() for each in ALIGNED]
            self._ahead_ms = max(self._ahead_ms, _within_a_step(unread, frontier_ms))
            ahead_ms = self._ahead_ms
            for stream in Stream:
                ahead += self._buffers[stream].read_ahead(ahead_ms)
            if ahead:
                self._ahead_ends_ms.append(ahead_ms)
            until_ms = min(bound_ms, first_ms)
        self.stream_ms = max(self.stream_ms, until_ms)
        while self._ahead_ends_ms and self._ahead_ends_ms[0] <= self.stream_ms:
            self._ahead_ends_ms.popleft()
        parts = [self._buffers[source].drain(self.stream_ms, STEP_RECORDS) for source in ALIGNED]
        parts.append(self._buffers[Control.ROLLUP].drain(_ALL, STEP_RECORDS))
        return Due(
            [chunk for part in parts for chunk in part.chunks],
            [ack for part in parts for ack in part.acks],
            self.stream_ms,
            ahead,
            ahead_ms,
        )

    def _is_behind(self, wall_ms: int) -> bool:
        """Whether the oldest record of a stream is old, or anything was read ahead."""
        return any(
            buffer.ahead or (buffer.chunks and wall_ms - int(buffer.chunks[0].times[0]) > BEHIND_MS)
            for buffer in map(self._buffers.__getitem__, Stream)
        )

    def _frontier_ms(self, has_ended: Callable[[Source], bool], wall_ms: int) -> int:
        """Up to where every input is known."""
        # The clock may have been set back since a record was read.
        frontier_ms = max(wall_ms, *(self._buffers[each].reached_ms for each in ALIGNED))
        wait_ms = WAIT_BEHIND_MS if self._is_behind(wall_ms) else WAIT_MS
        for source in ALIGNED:
            buffer = self._buffers[source]
            if has_ended(source):
                buffer.goes_on()
            elif buffer.chunks:
                buffer.goes_on()
                # More may come of the same millisecond, unless there is no room for it.
                more = self.wants(source)
                frontier_ms = min(frontier_ms, buffer.settled_ms() - more)
            elif buffer.holds_up(wall_ms, wait_ms):
                frontier_ms = min(frontier_ms, buffer.reached_ms)
            elif buffer.gives_up():
                self.given_up[source] += 1
        return frontier_ms


def _within_a_step(inputs: Sequence[Sequence[NDArray[np.int64]]], until_ms: int) -> int:
    """A stream time, at most ``until_ms``, up to which the records fit in one step.

    ``inputs`` are the append times int64[n] of each input's chunks, in order.
    """
    times = [
        each[: np.searchsorted(each, until_ms, side="right")]
        for chunks in inputs
        for each in chunks
    ]
    if sum(map(len, times)) <= STEP_RECORDS:
        return until_ms
    return int(np.partition(np.concatenate(times), STEP_RECORDS)[STEP_RECORDS])
