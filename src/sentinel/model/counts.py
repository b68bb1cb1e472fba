"""What a step counted: every counter of the engine, filled by whoever finds something."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from itertools import product
from typing import Any, get_args

from sentinel.model.alert import Suppression
from sentinel.model.columns import FIELDS, NAMES
from sentinel.model.complaint import Duty, Kind, Problem
from sentinel.model.events import ComplaintChannel, Stream
from sentinel.model.response import ResponseKind, ResponseResult
from sentinel.model.signal import Action, Mode
from sentinel.model.step import Limit, RollupDrop, SignalDrop

_EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Export:
    """How Prometheus sees a counter: name, help text, names of its labels.

    ``series`` are the values of the labels that exist at zero from the start, so that a rate
    over them is 0 and not missing.
    """

    name: str
    text: str
    labels: tuple[str, ...]
    series: tuple[tuple[str, ...], ...]


def tally() -> Counter[Any]:
    """An empty counter: its constructor alone would cost as much as to count a small step."""
    return Counter.__new__(Counter)


def move(counted: Counter[Any], into: Counter[Any]) -> None:
    """Add what was counted to another counter, and clear it."""
    if counted:
        for what, count in counted.items():
            if count:
                into[what] += count
        counted.clear()


def counted(
    name: str,
    text: str,
    /,
    *,
    series: Iterable[tuple[str, ...]] | None = None,
    **labels: Iterable[str],
) -> Any:
    """A field of :class:`Counts` and its metric; ``labels`` are in the order of the keys.

    A label has the values that are known beforehand; ``series`` names the combinations that
    exist from the start, where they are not all.
    """
    started = product(*labels.values()) if series is None else series
    export = Export(name, text, tuple(labels), tuple(started))
    return field(default_factory=tally, metadata={_EXPORT: export})


@dataclass(slots=True)
class Counts:
    """Everything that a step counted, by labels."""

    events: Counter[Stream] = counted("sentinel_events_total", "Events accepted.", stream=Stream)
    late: Counter[Stream] = counted(
        "sentinel_late_events_total", "Events older than the lateness bound.", stream=Stream
    )
    repeated: Counter[Stream] = counted(
        "sentinel_repeated_events_total", "Events dropped: they had been seen.", stream=Stream
    )
    conflicts: Counter[Stream] = counted(
        "sentinel_conflicting_events_total",
        "Events that came under the id of another, and were processed.",
        stream=Stream,
    )
    missing: Counter[tuple[Stream, str]] = counted(
        "sentinel_missing_values_total",
        "Values that name nothing: placeholders, and addresses that are none.",
        stream=Stream,
        field=(),
        series=(
            (stream, name)
            for stream in Stream
            for name in sorted(NAMES[stream])
            if not FIELDS[stream][name].required
        ),
    )
    signals: Counter[tuple[str, str]] = counted(
        "sentinel_signals_total", "Rules that fired.", rule=(), mode=Mode
    )
    dropped_signals: Counter[SignalDrop] = counted(
        "sentinel_dropped_signals_total", "Signals that led to no revision.", reason=SignalDrop
    )
    withheld_actions: Counter[tuple[Action, Suppression]] = counted(
        "sentinel_withheld_actions_total",
        "Actions withheld from core systems, at least for a time.",
        action=Action,
        reason=Suppression,
    )
    responses: Counter[tuple[ResponseKind, ResponseResult]] = counted(
        "sentinel_responses_total",
        "Responses of people, by their result.",
        kind=ResponseKind,
        result=ResponseResult,
    )
    dropped_rollups: Counter[RollupDrop] = counted(
        "sentinel_dropped_rollups_total",
        "Rollups, parts and rows of shared entities that were dropped.",
        reason=RollupDrop,
    )
    limits: Counter[Limit] = counted(
        "sentinel_limits_total", "Bounds that were reached.", limit=Limit
    )
    notices: Counter[str] = counted(
        "sentinel_complaint_notices_total", "Notices about complaints.", kind=Kind
    )
    complaint_problems: Counter[str] = counted(
        "sentinel_complaint_problems_total", "Events of complaints that are wrong.", problem=Problem
    )
    complaint_duties: Counter[tuple[str, str, str]] = counted(
        "sentinel_complaint_duties_total",
        "Duties fulfilled.",
        duty=Duty,
        channel=get_args(ComplaintChannel),
        result=("on_time", "late"),
    )

    def add(self, other: "Counts") -> None:
        """Count what another step counted, too."""
        for each in fields(self):
            getattr(self, each.name).update(getattr(other, each.name))


EXPORTS: dict[str, Export] = {each.name: each.metadata[_EXPORT] for each in fields(Counts)}
"""How each field of :class:`Counts` is exported, by its name."""
