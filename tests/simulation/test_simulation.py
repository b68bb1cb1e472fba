"""Many made-up histories of faults are exact, and broken code is found by them."""

from collections.abc import Callable

import pytest
from tests.simulation.log import LogHistory, LogSink
from tests.simulation.world import Worker, World

from sentinel.alerting.cloudevent import encode_response_outcome
from sentinel.engine import Emitted
from sentinel.ingest import EventIds
from sentinel.kafka.records import Fetched
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.step import Chunk
from sentinel.shard.journal import StepRecord
from sentinel.shard.stepper import CommittedStep

SEEDS = 150
KEPT = (13, 21, 155, 400103, 505004)
"""Seeds that once failed."""


@pytest.mark.parametrize("seed", KEPT)
def test_a_seed_that_failed_once(seed: int) -> None:
    """What was mended stays mended."""
    World(seed).run()


def test_many_seeds() -> None:
    """Every fault occurs somewhere, and nothing is lost, doubled or different."""
    happened: set[str] = set()
    for seed in range(SEEDS):
        world = World(seed)
        world.run()
        happened |= world.happened.keys()
    assert happened >= {
        "crash",
        "crash in recovery",
        "crash in snapshot",
        "in_transaction",
        "after_commit",
        "aborted",
        "published",
        "sent twice",
        "torn snapshot",
        "zombie fenced",
        "rewound",
        "risky",
        "outage",
        "as undisturbed",
    }


def _acks_in_finally(patch: pytest.MonkeyPatch) -> None:
    """Chunks are acked although their step failed."""

    def process(self: World, worker: Worker) -> CommittedStep | None:
        due = self._due(worker)
        try:
            return worker.stepper.process(due, self._now_ms, self.log.configurations[-1])
        finally:
            for ack in due.acks:
                ack()

    patch.setattr(World, "_process", process)


def _position_of_the_group(patch: pytest.MonkeyPatch) -> None:
    """What the journal says was applied is not looked at."""
    patch.setattr(Fetched, "after", lambda self, stream, _: _whole(self, stream))


def _whole(fetched: Fetched, stream: Stream | Control) -> Chunk:
    columns = (fetched.offsets, fetched.recorded_ms, fetched.keys, fetched.values)
    return Chunk(stream, fetched.topic, fetched.partition, *columns)


def _no_fencing(patch: pytest.MonkeyPatch) -> None:
    """A process that was given up goes on writing."""
    write = LogSink.write

    def unfenced(self: LogSink, emitted: Emitted, record: StepRecord) -> int:
        self.epoch = self.log.owner
        return write(self, emitted, record)

    patch.setattr(LogSink, "write", unfenced)


def _outcomes_written_late(patch: pytest.MonkeyPatch) -> None:
    """What became of responses is written after the transaction, for those it does not abort."""
    write = LogSink.write

    def late(self: LogSink, emitted: Emitted, record: StepRecord) -> int:
        outcomes, emitted.response_outcomes = emitted.response_outcomes, []
        offset = write(self, emitted, record)
        self.log.response_results += map(encode_response_outcome, outcomes)
        return offset

    patch.setattr(LogSink, "write", late)


def _no_journal(patch: pytest.MonkeyPatch) -> None:
    """Recovery takes the snapshot and leaves out the steps since."""
    patch.setattr(LogHistory, "steps", lambda *_: iter(()))


def _snapshot_without_event_ids(patch: pytest.MonkeyPatch) -> None:
    """A snapshot forgets which events it has seen."""
    patch.setattr(EventIds, "restore", lambda *_: None)


def _torn_snapshot_taken(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks whether a snapshot is whole."""
    patch.setattr("sentinel.shard.snapshot.digest_of", lambda _: "")


def _all_seeds() -> None:
    for seed in range(SEEDS):
        World(seed).run()


@pytest.mark.parametrize(
    ("bug", "shows"),
    [
        (_acks_in_finally, "then came what was fetched"),
        (_position_of_the_group, "lost or taken twice"),
        (_no_fencing, "a zombie committed"),
        (_outcomes_written_late, "the response results are not those of a run without faults"),
        (_no_journal, "then came what was fetched"),
        (_snapshot_without_event_ids, "something else|not those of a run without faults"),
        (_torn_snapshot_taken, None),
    ],
)
def test_a_bug_that_is_put_back_is_found(
    bug: Callable[[pytest.MonkeyPatch], None], shows: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of these mistakes makes some seed fail: the simulation can tell."""
    bug(monkeypatch)
    with pytest.raises(Exception, match=shows):
        _all_seeds()
