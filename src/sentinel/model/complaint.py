"""The duties to a complaint, the kinds of its notices, and its problems."""

from enum import StrEnum


class Problem(StrEnum):
    """What is wrong with an event of a complaint; each is counted and reported."""

    UNKNOWN = "unknown"  # its first event is not "received"; it is opened as it stands
    SKIPPED = "skipped"  # steps between are missing; it goes on all the same
    STEP_BACK = "step_back"  # to a step that is behind it; it stays where it is
    AFTER_END = "after_end"  # a step after it was over; it stays over
    CLOSED_WITHOUT_REPLY = "closed_without_reply"  # stays open until the reply comes
    OTHER_CUSTOMER = "other_customer"  # not the customer it belongs to; nothing is changed
    EXTENSION_WITHOUT_APPROVAL = "extension_without_approval"  # names no approver; no effect
    EXTENSION_WITHOUT_TERM = "extension_without_term"  # to no term and no day; no effect
    EXTENSION_TOO_LATE = "extension_too_late"  # past the deadline, resolved or over; no effect
    EXTENSION_NOT_LONGER = "extension_not_longer"  # no later than the deadline; no effect
    EXTENSION_BEYOND_MAXIMUM = "extension_beyond_maximum"  # holds until the maximum only


class Duty(StrEnum):
    """What a bank owes a complaint, each within its term."""

    ACKNOWLEDGE = "acknowledge"  # begin to investigate it
    RESOLVE = "resolve"
    REPLY = "reply"  # in writing, within the maximum


class Kind(StrEnum):
    """What a notice is about."""

    ACKNOWLEDGE_DUE = "acknowledge_due"
    RESOLVE_DUE = "resolve_due"
    REPLY_MISSING = "reply_missing"  # at the maximum, or closed without it
    ILLEGAL_TRANSITION = "illegal_transition"  # ``problem`` says what is wrong
    EXTENDED = "extended"  # the term to resolve it was extended
    EXTENSION_PROBLEM = "extension_problem"  # ``problem`` says what is wrong with an extension
    REPEATED = "repeated"  # too many complaints of one customer
    MET = "met"  # a duty is fulfilled after a warning, which is over
    COMPLETED = "completed"  # closed or withdrawn: everything about it is over
    FORGOTTEN = "forgotten"  # evicted at capacity: its deadlines are not watched any more
