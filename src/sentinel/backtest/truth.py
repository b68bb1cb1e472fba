"""What really happened: labelled events, and the attacks that they belong to."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from sentinel.model.reading import UNREADABLE
from sentinel.replay.block import ReplayError


class _Line(Struct, frozen=True):
    """A line of labels.jsonl; what is not named here is allowed and ignored."""

    event_id: str
    scenario: str = "labelled"
    instance: int | str | None = None
    decidable: bool = True


@dataclass(slots=True)
class Attack:
    """One labelled case: its events as they were met in the data.

    ``moments`` are (event_time ms, amount that left the customer, 0.0 for none), one for each event
    in order of time; ``entities`` whom and what it happened to, by kind and id.
    """

    scenario: str
    moments: list[tuple[int, float]] = field(default_factory=list)
    entities: set[tuple[str, str]] = field(default_factory=set)
    decidable: list[int] = field(default_factory=list)
    """Event times (ms) from which it differs from ordinary life, as they were met."""

    @property
    def value(self) -> float:
        """All that left the customers, in the base currency's unit as written in the events."""
        return sum(amount for _, amount in self.moments)


@dataclass(frozen=True, slots=True)
class Truth:
    """All labelled cases, which case an event belongs to, and which events decide nothing yet."""

    attacks: tuple[Attack, ...]
    of_event: dict[str, Attack]
    undecided: frozenset[str] = frozenset()


def read_labels(lines: Iterable[bytes], name: str) -> Truth:
    """The cases of a file of labels as ``sentinel simulate`` writes them; raises ReplayError.

    A line is a JSON object with ``event_id`` and, if given, ``scenario`` and ``instance``: events
    of one instance are one case.  Without an instance each event is a case of its own.  Events
    that are not yet ``decidable`` say so; the others are.
    """
    attacks: dict[tuple[str, int | str], Attack] = {}
    of_event: dict[str, Attack] = {}
    undecided: set[str] = set()
    decoder = msgspec.json.Decoder(_Line)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = decoder.decode(line)
        except UNREADABLE as error:
            raise ReplayError(f"{name}:{number}: {error}") from None
        instance = found.event_id if found.instance is None else found.instance
        attack = attacks.setdefault((found.scenario, instance), Attack(found.scenario))
        of_event[found.event_id] = attack
        if not found.decidable:
            undecided.add(found.event_id)
    return Truth(tuple(attacks.values()), of_event, frozenset(undecided))
