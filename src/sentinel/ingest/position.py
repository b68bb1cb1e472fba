"""The state of ingest: how far the inputs have been read, and the ids of events."""

from collections import Counter

import numpy as np

from sentinel.ingest.ahead import Ahead
from sentinel.ingest.decoded import Decoded
from sentinel.ingest.event_ids import CONFLICT, FIRST, REPEAT, EventIds
from sentinel.ingest.merge import Watermarks
from sentinel.model.counts import Counts
from sentinel.model.events import Stream
from sentinel.model.ids import Hasher
from sentinel.model.stage import Buffer, Parts
from sentinel.model.step import Limit


class Position:
    """Watermarks, what was read ahead, and the ids of the newest events of each stream."""

    def __init__(self, remembered: int) -> None:
        self._remembered = remembered
        self.watermarks, self.ahead = Watermarks(), Ahead()
        self.event_ids = {stream: EventIds(remembered) for stream in Stream}
        self.limits: Counter[Limit] = Counter()

    def without_repeats(
        self, stream: Stream, part: Decoded, hasher: Hasher, counts: Counts
    ) -> Decoded:
        """The events of a part that are no repeats; repeats and conflicts are counted."""
        ids = self.event_ids[stream]
        if part.offsets is None:
            found, evicted = ids.add(part)
        else:
            found, part.fresh, evicted = self.ahead.judge(stream, part, ids)
        if evicted or part.postponed:
            self.limits[Limit.EVENT_IDS] += evicted
            self.limits[Limit.TIMESTAMPS] += part.postponed
        if (found == FIRST).all():
            return part
        conflicts, repeats = found == CONFLICT, found == REPEAT
        counts.repeated[stream] = int(np.count_nonzero(repeats))
        counts.conflicts[stream] = int(np.count_nonzero(conflicts))
        return part.renamed(conflicts, hasher).only(~repeats)

    def snapshot(self) -> dict[str, Buffer]:
        """All of it; equal states give equal bytes."""
        return {
            "watermarks": self.watermarks.snapshot(),
            "ahead": self.ahead.snapshot(),
            **{f"event_ids.{stream}": ids.snapshot() for stream, ids in self.event_ids.items()},
        }

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave."""
        self.watermarks.restore(bytes(parts["watermarks"]))
        self.ahead.restore(bytes(parts["ahead"]))
        for stream, ids in self.event_ids.items():
            ids.restore(bytes(parts[f"event_ids.{stream}"]))

    def carry(self, old: "Position") -> None:
        """Continue where ``old`` stands; records are decoded anew."""
        self.watermarks, self.ahead, self.event_ids = old.watermarks, old.ahead, old.event_ids
        self.ahead.forget_kept()
        for ids in self.event_ids.values():
            self.limits[Limit.EVENT_IDS] += ids.resize(self._remembered)

    def spot(self) -> bytes:
        """The positions, and the newest ids."""
        ids = b"".join(each.spot() for each in self.event_ids.values())
        return self.watermarks.snapshot() + self.ahead.snapshot() + ids
