"""One complaint by itself, for those who store complaints one by one."""

from dataclasses import dataclass

from sentinel.complaints.book import Complaints
from sentinel.complaints.life import is_over
from sentinel.complaints.policy import Policy
from sentinel.complaints.record import Record, due
from sentinel.model.complaint import Duty
from sentinel.model.events import Complaint, epoch_ms

_LATE = "late"


@dataclass(frozen=True, slots=True)
class Progress:
    """A complaint after an event.

    ``duty`` is the open duty whose deadline, ``due_ms`` (ms UTC), comes first; both are None where
    none is open.  ``was_late`` is whether the event fulfilled a duty after its deadline.
    """

    record: Record
    duty: Duty | None
    due_ms: int | None
    was_late: bool

    @property
    def is_over(self) -> bool:
        """Whether it is closed or withdrawn."""
        return is_over(self.record.status)


def progress(policy: Policy, record: Record | None, event: Complaint) -> Progress:
    """The complaint after ``event``, exactly as a shard's book has it; ``record`` may change.

    ``record`` is its state before, None for the first event.
    """
    book, at_ms = Complaints(policy), epoch_ms(event.event_time)
    if record is not None:
        book.resume(record)
    book.process(
        event.complaint_id,
        event.customer_id,
        event.status,
        event.channel,
        event.product,
        event.category,
        event.branch_id,
        event.event_id,
        at_ms,
        at_ms,
        event.extended_to,
        event.approved_by,
    )
    after = book.record(event.complaint_id)
    assert after is not None  # noqa: S101 - a book has room for one complaint
    was_late = any(punctual == _LATE for _, _, punctual in book.counts.duties)
    return Progress(after, *due_first(policy, after), was_late=was_late)


def due_first(policy: Policy, record: Record) -> tuple[Duty | None, int | None]:
    """The open duty of a complaint whose deadline comes first, and that (ms UTC); None if none."""
    deadlines = {duty: due(policy, record, duty).at_ms for duty in record.warned}
    first = min(deadlines, key=deadlines.__getitem__, default=None)
    return first, None if first is None else deadlines[first]
