"""The contract of patterns: what a rule asks of several events of one customer.

A kind of rule is a pattern: one file with what is written under its key, which conditions it has
and how it follows a customer; and a field of :class:`~sentinel.rules.declare.Rule`, listed in
its ``kinds``.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from sentinel.model.document import Document, Path
from sentinel.model.events import EventKey, Stream
from sentinel.model.signal import Clause
from sentinel.model.step import Limit


class Part(NamedTuple):
    """A condition of a pattern; ``path`` is where it stands under the pattern's key."""

    stream: Stream
    when: str
    path: Path


class Match(Struct, order=True, gc=False):  # many are kept; they cannot form cycles
    """An event that met a condition; ordered by time, then id."""

    event_time: int
    event_id: str
    recorded_ms: int
    stream: Stream
    clauses: tuple[Clause, ...]
    fired: bool = False

    @property
    def key(self) -> EventKey:
        """Which event it is: ids are unique within their stream alone."""
        return self.stream, self.event_id


class PatternState(Protocol):
    """The customers of one rule, as far as its pattern has come with each."""

    def process(
        self,
        customer_id: str,
        part: int,
        match: Match,
        explain: Callable[[], tuple[Clause, ...]],
        limits: Counter[Limit],
    ) -> list[tuple[Match, ...]]:
        """Apply an event that met a part's condition; returns the chains that it completes.

        The last match of a chain is the event on which the rule fires.  ``match`` has no clauses
        yet: ``explain`` gives them, which costs more than all the rest.
        """

    def spot(self) -> bytes:
        """What changed last, as cheap as a step; see :class:`~sentinel.model.stage.Stage`."""

    def snapshot(self) -> bytes:
        """All state; equal states give equal bytes."""

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave."""


class Pattern(Protocol):
    """What is written under a pattern's key in a rule file."""

    @property
    def parts(self) -> Sequence[Part]:
        """The conditions of the pattern, each on one stream."""

    def check(self, document: Document, path: Path) -> None:
        """Raise ConfigError for what the types do not exclude; it stands at ``path``."""

    def follow(self) -> PatternState:
        """Fresh state of a rule with this pattern."""
