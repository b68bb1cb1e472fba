"""The life of a complaint: which step may follow which, as a table."""

from enum import Enum, StrEnum, auto

from sentinel.model.complaint import Problem


class Status(StrEnum):
    """Where a complaint is; the words of the complaint stream."""

    RECEIVED = "received"
    INVESTIGATING = "investigating"
    RESOLVED = "resolved"
    REPLIED = "replied"  # the customer has the result in writing
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"  # by the customer


class Transition(Enum):
    """What an event does to a complaint."""

    MOVE = auto()  # to the status of the event
    HOLD = auto()  # closed without the reply that is due: waits for it
    HISTORY = auto()  # an earlier step, which comes late
    REPEAT = auto()  # known already: nothing changes
    REFUSE = auto()  # stays as it is


class _Way(Enum):
    NEXT = auto()
    SKIP = auto()
    BACK = auto()
    OVER = auto()


_N, _S, _B, _O = _Way.NEXT, _Way.SKIP, _Way.BACK, _Way.OVER

# From each status (row) to each other (column); a complaint's own column is never read.
_TABLE = {
    #                     received  investig. resolved  replied  closed  withdrawn
    Status.RECEIVED:      (_B,      _N,       _S,       _S,      _S,     _N),
    Status.INVESTIGATING: (_B,      _B,       _N,       _S,      _S,     _N),
    Status.RESOLVED:      (_B,      _B,       _B,       _N,      _N,     _N),
    Status.REPLIED:       (_B,      _B,       _B,       _B,      _N,     _N),
    Status.CLOSED:        (_O,      _O,       _O,       _O,      _O,     _O),
    Status.WITHDRAWN:     (_O,      _O,       _O,       _O,      _O,     _O),
}  # fmt: skip
_WAYS = {(at, to): way for at, row in _TABLE.items() for to, way in zip(Status, row, strict=True)}
_RANKS = {status: rank for rank, status in enumerate(Status)}
_ENDS = frozenset({Status.CLOSED, Status.WITHDRAWN})
_PROBLEMS = {_Way.SKIP: Problem.SKIPPED, _Way.BACK: Problem.STEP_BACK, _Way.OVER: Problem.AFTER_END}


def is_over(status: Status) -> bool:
    """Whether nothing is due any more."""
    return status in _ENDS


def has_reached(status: Status, step: Status) -> bool:
    """Whether a complaint at ``status`` (not withdrawn) has ``step`` behind it or is there."""
    return _RANKS[status] >= _RANKS[step]


def judge(
    at: Status,
    since_ms: int,
    to: Status,
    time_ms: int,
    *,
    seen: bool,
    needs_reply: bool,
) -> tuple[Transition, Problem | None]:
    """What an event ``to`` at ``time_ms`` does to a complaint that is ``at`` since ``since_ms``.

    ``seen`` is whether the complaint had an event ``to`` before, ``needs_reply`` whether it
    must be replied to before it may be closed.
    """
    if to is at:
        return Transition.REPEAT, None
    way = _WAYS[at, to]
    if way in (_Way.BACK, _Way.OVER):
        if time_ms > since_ms or to in _ENDS:
            return Transition.REFUSE, _PROBLEMS[way]
        return (Transition.REPEAT if seen else Transition.HISTORY), None
    if to is Status.CLOSED and needs_reply and at is not Status.REPLIED:
        return (
            (Transition.REPEAT, None) if seen else (Transition.HOLD, Problem.CLOSED_WITHOUT_REPLY)
        )
    return Transition.MOVE, _PROBLEMS.get(way)
