"""Reading ahead: how far each stream has been read before its processing.

While a shard catches up, it sends the rollups of its events before it processes the events: owners
can then publish what was risky before the rules of any shard need it.  An event is collected once,
so for records read ahead it is kept which of them were repeats.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.ingest.append_time import NEVER
from sentinel.ingest.decoded import Decoded
from sentinel.ingest.event_ids import CONFLICT, FIRST, REPEAT, EventIds
from sentinel.model.events import Stream
from sentinel.model.ids import Hasher
from sentinel.model.step import Chunk


class Ahead:
    """Positions by stream; offsets of one topic-partition each."""

    def __init__(self) -> None:
        self._offsets: dict[Stream, int] = {}
        self._reached_ms: dict[Stream, int] = {}
        self._found: dict[Stream, list[tuple[int, int]]] = {}
        self._kept: dict[Stream, list[tuple[tuple[int, int, int], Decoded]]] = {}

    def offset(self, stream: Stream) -> int:
        """The offset of the last record that was read ahead; -1 before the first."""
        return self._offsets.get(stream, -1)

    def covers(self, stream: Stream, chunks: Sequence[Chunk]) -> bool:
        """Whether a record of the chunks was read ahead."""
        offset = self.offset(stream)
        return any(chunk.offsets and chunk.offsets[0] <= offset for chunk in chunks)

    def reached_ms(self, stream: Stream) -> int:
        """The append time of the last record that was read ahead."""
        return self._reached_ms.get(stream, NEVER)

    def note(
        self,
        stream: Stream,
        chunks: Sequence[Chunk],
        part: Decoded,
        ids: EventIds,
        previous_ms: int,
        until_ms: int | None,
        hasher: Hasher,
    ) -> Decoded:
        """Note decoded chunks as read ahead; returns the events that are no repeats.

        The part is kept for :meth:`drain`; ``previous_ms`` and ``until_ms`` are what
        :func:`~sentinel.ingest.decode.decode` was given.
        """
        found, _ = ids.add(part)
        assert part.offsets is not None, "decode was told to keep them"  # noqa: S101
        known = found != FIRST
        pairs = zip(part.offsets[known].tolist(), found[known].tolist(), strict=True)
        self._found.setdefault(stream, []).extend(pairs)
        if _counts_alike(chunks, until_ms):
            of = chunks[0].offsets[0], chunks[-1].offsets[-1], previous_ms
            self._kept.setdefault(stream, []).append((of, part))
        self._offsets[stream] = chunks[-1].offsets[-1]
        self._reached_ms[stream] = part.reached_ms
        return part.renamed(found == CONFLICT, hasher).only(found != REPEAT)

    def drain(
        self, stream: Stream, chunks: Sequence[Chunk], previous_ms: int, until_ms: int | None
    ) -> Decoded | None:
        """The records of ``chunks`` as they were decoded when they were read ahead.

        None if they were not, not together, or not behind the same record: decode them then.
        Decoding gives the same result, so what is kept is no part of a snapshot.
        """
        if not self.covers(stream, chunks):
            return None
        wanted = chunks[0].offsets[0], chunks[-1].offsets[-1], previous_ms
        mine = self._kept.get(stream, [])
        self._kept[stream] = [each for each in mine if each[0][1] > wanted[1]]
        if not _counts_alike(chunks, until_ms):
            return None
        return next((part for of, part in mine if of == wanted), None)

    def forget_kept(self) -> None:
        """Drop the decoded records: the configuration of decoding has changed."""
        self._kept = {}

    def judge(
        self, stream: Stream, part: Decoded, ids: EventIds
    ) -> tuple[NDArray[np.int8], NDArray[np.bool_], int]:
        """For events to process: whether each is new, int8[n], and which were not collected yet.

        Also returns how many ids were evicted.
        """
        offsets = part.offsets
        assert offsets is not None, "decode was told to keep them"  # noqa: S101
        fresh = offsets > self.offset(stream)
        found, evicted = np.full(len(part), FIRST, np.int8), 0
        noted = self._found.get(stream, [])
        for offset, what in noted:
            found[offsets == offset] = what
        if fresh.any():
            found[fresh], evicted = ids.add(part.only(fresh))
        if len(offsets):
            self._found[stream] = [each for each in noted if each[0] > offsets[-1]]
        return found, fresh, evicted

    def snapshot(self) -> bytes:
        """All positions; equal state gives equal bytes."""
        return msgspec.msgpack.encode(
            [
                (stream, offset, self._reached_ms[stream], self._found.get(stream, []))
                for stream, offset in sorted(self._offsets.items())
            ]
        )

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave."""
        kind = list[tuple[Stream, int, int, list[tuple[int, int]]]]
        self._offsets, self._reached_ms, self._found, self._kept = {}, {}, {}, {}
        for stream, offset, reached_ms, found in msgspec.msgpack.decode(data, type=kind):
            self._offsets[stream] = offset
            self._reached_ms[stream], self._found[stream] = reached_ms, found


def _counts_alike(chunks: Sequence[Chunk], until_ms: int | None) -> bool:
    """Whether append times do not depend on when these records are decoded.

    A timestamp beyond ``until_ms`` counts only up to it, which is another time then.
    """
    return until_ms is None or all(max(chunk.recorded_ms) <= until_ms for chunk in chunks)
