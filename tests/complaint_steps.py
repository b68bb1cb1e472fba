"""Steps of complaints as history stores them, by the shipped policy."""

from functools import cache
from typing import Any

from msgspec.json import encode
from tests.delivery.alerts import NOW
from tests.unit.complaints.books import book, ms

from sentinel.complaints.policy import Policy
from sentinel.history.complaints import ComplaintStep
from sentinel.model.events import Complaint, Stream


@cache
def policy() -> Policy:
    """The shipped policy."""
    return book().policy


def step(status: str, at: str | int, complaint_id: str = "K1", **fields: Any) -> ComplaintStep:
    """A step at a local time in Shanghai (or ms), of a complaint about a credit card's fees."""
    time = ms(at) if isinstance(at, str) else at
    given = {
        "event_id": f"{complaint_id}-{status}-{time}",
        "customer_id": "C1",
        "channel": "hotline",
        "product": "credit_card",
        "category": "fees",
        "branch_id": "B0001",
        **fields,
    }
    event = Complaint(event_time=time, complaint_id=complaint_id, status=status, **given)  # type: ignore[arg-type]
    return ComplaintStep(event, policy())


def complaint_records(first: int, count: int) -> list[tuple[Stream, str, bytes]]:
    """Stream, key and value of the first steps of complaints ``K<first>`` and on."""
    steps = [step("received", NOW, f"K{first + number}") for number in range(count)]
    return [(Stream.COMPLAINT, each.event.customer_id, encode(each.event)) for each in steps]
