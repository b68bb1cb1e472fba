"""What a step counted: every counter of the engine, filled by whoever finds something."""

from collections import Counter
from dataclasses import dataclass, field, fields

from sentinel.model.alert import Suppression
from sentinel.model.events import Stream
from sentinel.model.response import ResponseKind, ResponseResult
from sentinel.model.signal import Action
from sentinel.model.step import Limit, RollupDrop, SignalDrop


@dataclass(slots=True)
class Counts:
    """Everything that a step counted, by labels."""

    events: Counter[Stream] = field(default_factory=Counter)
    late: Counter[Stream] = field(default_factory=Counter)
    repeated: Counter[Stream] = field(default_factory=Counter)
    """Events that were dropped because they had been seen."""
    conflicts: Counter[Stream] = field(default_factory=Counter)
    """Events that came under the event_id of another."""
    missing: Counter[tuple[Stream, str]] = field(default_factory=Counter)
    """Values that name nothing: placeholders, and addresses that are none, by field."""
    signals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By rule id and whether the rule is live."""
    dropped_signals: Counter[SignalDrop] = field(default_factory=Counter)
    withheld_actions: Counter[tuple[Action, Suppression]] = field(default_factory=Counter)
    """Actions that core systems are not told of, or later, and what keeps them from it."""
    responses: Counter[tuple[ResponseKind, ResponseResult]] = field(default_factory=Counter)
    dropped_rollups: Counter[RollupDrop] = field(default_factory=Counter)
    limits: Counter[Limit] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    """What was to tell of complaints, by kind."""
    complaint_problems: Counter[str] = field(default_factory=Counter)
    complaint_duties: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Duties that were fulfilled: duty, channel, ``on_time`` or ``late``."""

    def add(self, other: "Counts") -> None:
        """Count what another step counted, too."""
        for each in fields(self):
            getattr(self, each.name).update(getattr(other, each.name))
