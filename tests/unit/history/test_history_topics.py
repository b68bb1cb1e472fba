"""How history reads its topics: as ingest judges, and as the records came."""

import msgspec
import pytest
from tests.delivery.alerts import NOW
from tests.fetches import fetched_of

from sentinel.history.complaints import ComplaintStep
from sentinel.history.topics import readers, whole_readers
from sentinel.settings import Settings, read_configuration

_COMPLAINT = {
    "event_id": "E1",
    "event_time": NOW,
    "complaint_id": "K1",
    "customer_id": "C1",
    "status": "received",
    "channel": "hotline",
}


def _read(**fields: object) -> object:
    settings = Settings(topic_prefix="t")
    read = whole_readers(settings, read_configuration(None))["t.complaints"]
    fetched = fetched_of("t.complaints", NOW, [b"{", msgspec.json.encode(_COMPLAINT | fields)])
    return read(fetched, 1)


def test_a_complaint_is_read_as_an_event() -> None:
    """With the policy of the configuration in force."""
    step = _read(product="loan")
    assert isinstance(step, ComplaintStep)
    assert (step.event.complaint_id, step.event.product) == ("K1", "loan")
    assert str(step.policy.terms("media", None).acknowledge[0]) == "1wd"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_time", NOW + 10**9),
        ("status", "new"),
        ("customer_id", "unknown"),
        ("text", "x" * 10**6),
    ],
)
def test_what_ingest_refuses_is_no_complaint(field: str, value: object) -> None:
    """It is a dead letter of the worker, and counted as unreadable here."""
    with pytest.raises(ValueError, match=r"future|schema|too_large"):
        _read(**{field: value})


def test_every_topic_is_read_in_one_way() -> None:
    """By value alone, or as a whole record."""
    settings = Settings(topic_prefix="t")
    by_value, whole = readers(settings), whole_readers(settings, read_configuration(None))
    assert set(whole) == {"t.complaints", "t.deadletter"}
    assert set(by_value) & set(whole) == set()
