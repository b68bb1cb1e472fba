"""The reported progress of every shard, and which shards the owner waits for.

While no shard is behind, nothing waits.  Once one shard is known to be behind, all may be: there
was an outage.  The owner then waits for each shard until it reports that it is past, or for a
bounded time.  (A watermark per source with idleness, as in Akidau et al., "The Dataflow Model",
VLDB 8(12), 2015.)
"""

import msgspec
from msgspec import Struct

GIVE_UP_MS = 60_000
"""The owner does not wait for a shard that is behind and sends no report for so long."""
LONGEST_WAIT_MS = 900_000
"""An owner stops waiting when an outage takes longer than this to catch up."""

EVERYTHING, NOTHING = 2**62, -(2**62)
"""Times after and before all records."""


class _Report(Struct, array_like=True):
    """The last report of a shard, and the wall-clock time at which it was read."""

    reached_ms: int
    is_behind: bool
    heard_ms: int


class ShardReports:
    """The reports of all shards; times of reports are stream time, others wall-clock time (ms)."""

    def __init__(self) -> None:
        self._shards = 1  # at least: before the first report it is unknown
        self._reports: dict[int, _Report] = {}

    def note(
        self, shard: int, shards: int, reached_ms: int, heard_ms: int, *, is_behind: bool
    ) -> None:
        """Keep the report of ``shard`` of ``shards``: it is past ``reached_ms``."""
        before = self._reports.get(shard)
        if before is not None:
            reached_ms = max(reached_ms, before.reached_ms)
        self._shards = shards
        self._reports[shard] = _Report(reached_ms, is_behind, heard_ms)

    def slowest_ms(self) -> int:
        """The stream time that all shards with a report are past; NOTHING without a report."""
        return min((each.reached_ms for each in self._reports.values()), default=NOTHING)

    def any_behind(self, wall_ms: int) -> bool:
        """Whether a shard reported lately that it is behind."""
        return any(
            each.is_behind and wall_ms - each.heard_ms < GIVE_UP_MS
            for each in self._reports.values()
        )

    def silent(self, since_ms: int) -> list[int]:
        """The shards without a report since then."""
        reports = self._reports
        return [
            each
            for each in range(self._shards)
            if each not in reports or reports[each].heard_ms < since_ms
        ]

    def waited_for(self, outage_ms: int | None, wall_ms: int) -> dict[int, int]:
        """The time that each awaited shard is past; there was an outage since ``outage_ms``."""
        if outage_ms is None or wall_ms - outage_ms >= LONGEST_WAIT_MS:
            return {}
        found = {
            shard: each.reached_ms
            for shard, each in self._reports.items()
            if each.is_behind and wall_ms - each.heard_ms < GIVE_UP_MS
        }
        if wall_ms - outage_ms < GIVE_UP_MS:
            for shard in self.silent(outage_ms):
                known = self._reports.get(shard)
                found[shard] = known.reached_ms if known else NOTHING
        return found

    def waited_until(self, outage_ms: int, wall_ms: int) -> list[int]:
        """What each shard is past in an outage, where all tell when it may have moved."""
        if wall_ms - outage_ms >= LONGEST_WAIT_MS:
            return []
        fresh_ms = max(outage_ms, wall_ms - GIVE_UP_MS)
        found = [each.reached_ms for each in self._reports.values() if each.heard_ms >= fresh_ms]
        if wall_ms - outage_ms < GIVE_UP_MS:
            found += [NOTHING for _ in self.silent(outage_ms)]
        return found

    def snapshot(self) -> bytes:
        """All reports; equal state gives equal bytes."""
        return msgspec.msgpack.encode((self._shards, sorted(self._reports.items())))

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave."""
        kind = tuple[int, list[tuple[int, _Report]]]
        self._shards, reports = msgspec.msgpack.decode(data, type=kind)
        self._reports = dict(reports)
