"""Steps go through the engine; what happened is counted."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from sentinel.engine import Gauges, Outcome
from sentinel.model.alert import Tier
from sentinel.model.events import Stream
from sentinel.model.step import DeadLetter, DeadLetterReason, Limit, SignalDrop, Step
from sentinel.model.topic import Topic
from sentinel.replay.block import Block, ReplayError, Skip
from sentinel.replay.order import STEP_ROWS, first_rows, in_order, steps


class Origin(Protocol):
    """Where rows come from: a file, or a stream of the archive.

    Each row is in a block, refused, or among the ``skipped``.  ``total_bytes`` is 0 where the size
    is not known; ``guessed_year``: the file's date gave times their year.
    """

    name: str
    skipped: Counter[Skip]
    guessed_year: bool
    total_bytes: int

    def done_bytes(self) -> int:
        """How much has been read."""
        ...

    def drain_refused(self) -> list[DeadLetter]:
        """The rows refused since this was last asked, as dead letters."""
        ...

    def blocks(self) -> Iterator[Block]:
        """The rows; raises OSError and ReplayError."""
        ...


class Processor(Protocol):
    """What takes steps."""

    def process(self, step: Step) -> Outcome:
        """Process one step."""
        ...


class Replayable(Processor, Protocol):
    """What a replay needs of the engine."""

    def gauges(self) -> Gauges:
        """How things stand."""
        ...


@dataclass(slots=True)
class Summary:
    """Counts over a whole replay; alerts are revisions, ``opened`` the first of each.

    Every row is an event, a dead letter, a repeat of an event, or skipped.  ``first_letters`` has
    the first dead letter of each file and reason, ``topics`` those that rise at its end.
    """

    rows: int = 0
    events: Counter[Stream] = field(default_factory=Counter)
    alerts: Counter[Tier] = field(default_factory=Counter)
    opened: int = 0
    dead_letters: Counter[DeadLetterReason] = field(default_factory=Counter)
    first_letters: dict[tuple[str, DeadLetterReason], DeadLetter] = field(default_factory=dict)
    repeated: Counter[Stream] = field(default_factory=Counter)
    conflicts: Counter[Stream] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    skipped: Counter[Skip] = field(default_factory=Counter)
    late: Counter[Stream] = field(default_factory=Counter)
    dropped_signals: Counter[SignalDrop] = field(default_factory=Counter)
    limits: Counter[Limit] = field(default_factory=Counter)
    topics: list[Topic] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count what a step produced."""
        self.events.update(outcome.counts.events)
        self.alerts.update(alert.tier for alert in outcome.emitted.alerts)
        self.opened += sum(alert.revision == 1 for alert in outcome.emitted.alerts)
        self.dead_letters.update(letter.reason for letter in outcome.emitted.dead_letters)
        for letter in outcome.emitted.dead_letters:
            self.first_letters.setdefault((letter.topic, letter.reason), letter)
        self.repeated.update(outcome.counts.repeated)
        self.conflicts.update(outcome.counts.conflicts)
        self.missing.update(
            {f"{stream}.{name}": count for (stream, name), count in outcome.counts.missing.items()}
        )
        self.late.update(outcome.counts.late)
        self.dropped_signals.update(outcome.counts.dropped_signals)
        self.limits.update(outcome.counts.limits)


def replay(
    engine: Replayable,
    sources: Sequence[Origin],
    summary: Summary,
    *,
    limit: int | None = None,
    step_rows: int = STEP_ROWS,
) -> Iterator[Outcome]:
    """Feed all rows of the sources to the engine in order; yields each step's outcome.

    ``summary`` is updated as the outcomes are consumed.  Raises OSError and ReplayError.
    """
    names = sorted(source.name for source in sources)
    for name, following in pairwise(names):
        if name == following:
            raise ReplayError(f"{name}: given twice")
    sequences = in_order({source.name: source.blocks() for source in sources})
    if limit is not None:
        sequences = first_rows(sequences, limit)
    for step in steps(sequences, names, step_rows):
        outcome = engine.process(step)
        summary.rows += sum(len(chunk.offsets) for chunk in step.chunks)
        yield _counted(summary, outcome, sources)
    summary.topics = engine.gauges().topics
    yield _counted(summary, Outcome(), sources)
    for source in sources:
        summary.skipped.update(source.skipped)
        summary.rows += source.skipped.total()


def _counted(summary: Summary, outcome: Outcome, sources: Sequence[Origin]) -> Outcome:
    """The outcome with what its readers refused, counted."""
    refused = [letter for source in sources for letter in source.drain_refused()]
    summary.rows += len(refused)
    outcome.emitted.dead_letters += refused
    summary.add(outcome)
    return outcome
