"""Extensions: whether an event's extension moves the deadline of the resolution."""

from sentinel.complaints.policy import Policy
from sentinel.complaints.record import Extension, Record, due, extended_to
from sentinel.model.complaint import Duty, Problem


def judge_extension(
    policy: Policy, record: Record, to: str | None, approved_by: str | None, at_ms: int
) -> tuple[Extension | None, Problem | None]:
    """The extension that holds from now on, None if the event changes nothing, and what is wrong.

    ``to`` and ``approved_by`` are those of an event at ``at_ms``; steps after an extension may
    repeat it.  A second one replaces the first if it ends later, before the deadline in force.
    """
    given = to, approved_by
    known = record.extension
    if given == (None, None) or (known and given == (known.to, known.approved_by)):
        return None, None
    if to is None:
        return None, Problem.EXTENSION_WITHOUT_TERM
    if approved_by is None or not approved_by.strip():
        return None, Problem.EXTENSION_WITHOUT_APPROVAL
    extension = Extension(to, approved_by, at_ms)
    try:
        asked_ms = extended_to(policy, record, extension).at_ms
    except ValueError:
        return None, Problem.EXTENSION_WITHOUT_TERM
    due_ms = due(policy, record, Duty.RESOLVE).at_ms
    maximum_ms = due(policy, record, Duty.REPLY).at_ms
    is_longer = min(asked_ms, maximum_ms) > due_ms
    if not is_longer and known and at_ms <= known.at:
        return None, None  # it comes late: a later one is in force
    if Duty.RESOLVE not in record.warned or at_ms >= due_ms:
        return None, Problem.EXTENSION_TOO_LATE
    problem = Problem.EXTENSION_BEYOND_MAXIMUM if asked_ms > maximum_ms else None
    if not is_longer:
        return None, problem or Problem.EXTENSION_NOT_LONGER
    return extension, problem
