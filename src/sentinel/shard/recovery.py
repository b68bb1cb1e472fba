"""Rebuild a shard: its newest whole snapshot, then the journalled steps since, output off.

Steps are replayed exactly as they were processed, the same offsets together with the same
clocks under the same configuration, so the state ends equal to that of a shard which never
stopped.  The output of each step must equal the digest in the journal; otherwise the shard does
not start.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sentinel.engine import Configuration, Engine
from sentinel.model.share import WHOLE, Share
from sentinel.model.step import Step
from sentinel.shard.failpoint import Failpoint, reach
from sentinel.shard.journal import StepRecord, record_of
from sentinel.shard.snapshot import Snapshot

_REBUILD = "run `sentinel recover --from-earliest` to rebuild the shard from what is left"


@dataclass(slots=True)
class ShardState:
    """A shard between two steps.

    ``applied`` is the last applied offset by topic, ``journalled`` the journal's offset of the
    last step (-1 before the first), ``snapshot_number`` that of the next snapshot.  After a
    recovery, ``replayed`` is the number of replayed steps, ``flaws`` that of ignored differences.
    """

    engine: Engine
    applied: dict[str, int] = field(default_factory=dict)
    next_number: int = 0
    journalled: int = -1
    snapshot_number: int = 0
    replayed: int = 0
    flaws: int = 0

    def advance(self, record: StepRecord, offset: int) -> None:
        """Note that a step was committed, at ``offset`` of the journal."""
        self.next_number, self.journalled = record.number + 1, offset
        for topic, (_, last) in record.ranges.items():
            self.applied[topic] = max(last, self.applied.get(topic, -1))
        self.applied.update(record.seen)


class RecoveryError(Exception):
    """The state of a shard cannot be rebuilt from what Kafka keeps."""


class History(Protocol):
    """What is kept of one shard."""

    def newest_snapshot(self) -> Snapshot | None:
        """The newest snapshot that is whole."""

    def begins(self) -> Mapping[str, int]:
        """The first offset that each of the shard's inputs still has, or will have."""

    def steps(self, after: int) -> Iterator[tuple[int, int, StepRecord]]:
        """The journal beyond offset ``after``: offset, the journal's end, record."""

    def step(self, record: StepRecord) -> tuple[Step, list[str]]:
        """A step as it was processed, and the inputs of which something is missing."""

    def configuration(self, version: str) -> Configuration:
        """The configuration of that version; raises RecoveryError."""


def recover(
    history: History,
    start: Configuration,
    progress: Callable[[int, int], None],
    share: Share = WHOLE,
    *,
    forgiving: bool = False,
) -> ShardState:
    """The state of a shard; raises RecoveryError.

    ``start`` is for a shard that has no past, ``share`` its share of the desk's capacity.
    ``progress`` is called with the replayed and the total part of the journal.  A ``forgiving``
    recovery does without snapshots, and goes on where something is missing or comes out
    differently.
    """
    snapshot = None if forgiving else history.newest_snapshot()
    if snapshot is None:
        state = ShardState(Engine(start, share))
    else:
        state = restored(snapshot, history.configuration(snapshot.config_version), share)
    begin = state.journalled + 1
    for offset, end, record in history.steps(state.journalled):
        first = state.journalled < 0
        if record.number != state.next_number and not forgiving:
            raise RecoveryError(
                f"the journal continues with step {record.number} instead of {state.next_number}; "
                + _REBUILD
            )
        wanted = _configuration(history, record, state, forgiving=forgiving)
        if first and wanted.version != start.version:
            state.engine = Engine(wanted, share)
        elif wanted.version != state.engine.configuration.version:
            state.engine.reconfigure(wanted)
        _replay(history, state, record, forgiving=forgiving)
        state.advance(record, offset)
        progress(offset + 1 - begin, end - begin)
        reach(Failpoint.IN_RECOVERY)
    for topic, first_offset in history.begins().items():
        gone = first_offset - 1  # of an input never read, what is no longer there counts as read
        applied = state.applied.setdefault(topic, gone)
        if forgiving:
            state.applied[topic] = max(applied, gone)
    return state


def snapshot_of(state: ShardState) -> Snapshot:
    """All state after the last step, copied."""
    number, state.snapshot_number = state.snapshot_number, state.snapshot_number + 1
    engine = state.engine
    return Snapshot(
        number,
        state.next_number,
        state.journalled,
        dict(state.applied),
        engine.configuration.version,
        engine.snapshot(),
    )


def restored(snapshot: Snapshot, configuration: Configuration, share: Share = WHOLE) -> ShardState:
    """The state in a snapshot, under the configuration of its time; raises RecoveryError."""
    engine = Engine(configuration, share)
    try:
        engine.restore(snapshot.parts)
    except ValueError as error:
        hint = "run `sentinel recover --from-earliest`"
        raise RecoveryError(f"snapshot {snapshot.number}: {error}; {hint}") from None
    return ShardState(
        engine,
        dict(snapshot.applied),
        snapshot.next_step,
        snapshot.journalled,
        snapshot.number + 1,
    )


def _configuration(
    history: History, record: StepRecord, state: ShardState, *, forgiving: bool
) -> Configuration:
    try:
        return history.configuration(record.config_version)
    except RecoveryError:
        if not forgiving:
            raise
        state.flaws += 1
        return state.engine.configuration


def _replay(history: History, state: ShardState, record: StepRecord, *, forgiving: bool) -> None:
    """Process a step again; its digests must be the same."""
    step, missing = history.step(record)
    again = record_of(record.number, step, state.engine.process(step), state.engine)
    state.replayed += 1
    if missing:
        flaw = f"processed records of {', '.join(missing)} that are no longer retained"
    elif again.output_digest != record.output_digest:
        flaw = "has another output than when it was processed"
    elif again.state_digest != record.state_digest:
        flaw = "leaves another state than when it was processed"
    else:
        return
    if not forgiving:
        raise RecoveryError(f"step {record.number} {flaw}; {_REBUILD}")
    state.flaws += 1
