"""Sentinel's worker as a contender: ``sentinel worker`` itself, with two stopwatches in it.

Where and with what configuration it runs stands in the SENTINEL_ variables.  The first
event is noted when Faust hands the first chunk to an agent, the last commit when the
transaction of the step with the last event is through.
"""

import os
import sys
from typing import Any
from unittest.mock import patch

from benchmarks.contender import Clocks, Task, clocks, tell
from sentinel.cli import main as sentinel
from sentinel.engine import Emitted
from sentinel.model.events import Stream
from sentinel.shard.journal import StepRecord
from sentinel.shard.shards import Shards
from sentinel.shard.sink import Sink


def main() -> None:
    """Run the task on the command line."""
    task = Task.given()
    offer, write = Shards.offer, Sink.write
    first: list[Clocks] = []
    alerted: list[str] = []

    async def noted(shards: Shards, stream: Stream, event: Any) -> None:
        if not first:
            first.append(clocks())
        await offer(shards, stream, event)

    def timed(sink: Sink, emitted: Emitted, record: StepRecord) -> int:
        offset = write(sink, emitted, record)
        alerted.extend(alert.entity.id for alert in emitted.alerts)
        if record.ranges.get(task.topic, (0, -1))[1] == task.events - 1:
            tell(first[0], clocks(), alerted)
            os._exit(0)
        return offset

    sys.argv = ["sentinel", "worker"]
    with patch.object(Shards, "offer", noted), patch.object(Sink, "write", timed):
        sentinel()


if __name__ == "__main__":
    main()
