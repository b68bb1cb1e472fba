"""Dead letters put right: by a mapping or as they are, judged as ingest judges."""

import json
from collections.abc import Mapping

import msgspec
import pytest
from tests.unit.ingest.test_ingest_decode import LIMITS, NOW_MS, encoded

from sentinel.model.document import parse
from sentinel.model.events import Stream
from sentinel.model.letter import Letter, RecordPosition, WholeLetter
from sentinel.replay.block import ReplayError
from sentinel.replay.mapping import Mapping as FieldMapping
from sentinel.replay.mapping import load
from sentinel.replay.repair import MendedEvent, Repairer, StaysError, stream_of

TOPIC = "sentinel.transactions"
FIELDS = """
  event_id: event_id
  event_time: {from: event_time, unit: s}
  customer_id: customer_id
  kind: {value: transfer}
  direction: {value: debit}
  amount: amount
"""
SECONDS = NOW_MS // 1000


def _whole(value: bytes | None, topic: str = TOPIC, *, is_cut: bool = False) -> WholeLetter:
    length = None if value is None else len(value)
    position = RecordPosition(topic, 0, 17)
    letter = Letter(position, (1, 5), NOW_MS, "schema", "d", length, is_cut)
    return WholeLetter(letter, value, {})


def _mapping(fields: str = FIELDS, head: str = "") -> FieldMapping:
    text = f"stream: transaction\n{head}\nfields:{fields}"
    return load(parse(text, "fix.yaml"))


def _events(value: bytes, mapping: FieldMapping | None = None) -> list[MendedEvent]:
    return Repairer(mapping, LIMITS).events(_whole(value), Stream.TRANSACTION, NOW_MS)


def test_without_a_mapping_the_bytes_are_sent_as_they_were() -> None:
    """Byte for byte, under the customer's id, if ingest accepts them now."""
    value = encoded(currency="USD") + b" \n"
    assert _events(value) == [MendedEvent("t1", "c1", value, is_late=False)]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (encoded(event_time=SECONDS), "schema: event_time 1767571200 .*looks like seconds"),
        (encoded(currency="XAU"), "schema: currency XAU has no rate in engine.yaml"),
        (encoded(event_time=NOW_MS + 300_001), "future: event_time is 300001 ms after"),
        (encoded(account_id="y" * 10_001), "too_large: .* at most 10000 allowed"),
        (b'{"event_id": "t1"', "malformed: .*truncated"),
        (encoded(customer_id=None), "schema: .*missing required field `customer_id`"),
    ],
)
def test_what_ingest_would_put_aside_again_stays(value: bytes, why: str) -> None:
    """The reason is the one that a second letter would have."""
    with pytest.raises(StaysError, match=f"^{why}"):
        _events(value)


@pytest.mark.parametrize("after_ms", [0, 1])
def test_an_event_is_late_beyond_lateness(after_ms: int) -> None:
    """Judged by its own time against the time at which it is sent."""
    value = encoded(event_time=NOW_MS - LIMITS.lateness_ms - after_ms)
    (event,) = _events(value)
    assert event.is_late is (after_ms > 0)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("encoding", [None, "gb18030"])
def test_a_mapping_makes_an_event_of_an_object(indent: int | None, encoding: str | None) -> None:
    """Over several lines or one, in the mapping's encoding; all digits of a number are kept."""
    fields = {"event_id": "转1", "event_time": SECONDS, "customer_id": "c1", "amount": 0.1}
    text = json.dumps(fields, ensure_ascii=False, indent=indent).replace("0.1", "12.50")
    head = f"encoding: {encoding}" if encoding else ""
    (event,) = _events(text.encode(encoding or "utf-8"), _mapping(head=head))
    assert (event.event_id, event.customer_id) == ("转1", "c1")
    assert msgspec.json.decode(event.value)["event_time"] == NOW_MS
    assert b'"amount":12.50' in event.value


def test_an_array_is_several_events_or_none() -> None:
    """A record of several rows is sent whole, or stays whole where one is no event."""
    rows = [{"event_id": f"t{n}", "event_time": SECONDS, "customer_id": "c"} for n in range(2)]
    good = [{**each, "amount": 1} for each in rows]
    mapping = _mapping(head="root: rows")
    found = _events(json.dumps({"rows": good}).encode(), mapping)
    assert [each.event_id for each in found] == ["t0", "t1"]
    with pytest.raises(StaysError, match="missing required field `amount`"):
        _events(json.dumps({"rows": [good[0], rows[1]]}).encode(), mapping)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b'{"event_id": 1', "^the array does not end"),
        (b'{"a":1} {"a":2}', "^malformed: "),
        (b"[]", "^it has no row"),
        (b"  ", "^it has no row"),
        (b'{"event_id":"t1","event_time":1,"customer_id":"c","amount":1}\xe8', "^malformed: "),
        (b"17", "^malformed: not a JSON object"),
        (b'{"event_id": "\xff"}', "^malformed: "),
        (b"[" * 5_000, "^malformed: "),
        (b"[" + b"[" * 3_000 + b"]" * 3_000 + b"]", "^malformed: "),
    ],
)
def test_a_value_that_a_mapping_cannot_read_stays(value: bytes, why: str) -> None:
    """Cut off, several values, none, no object, no UTF-8, nested without end."""
    with pytest.raises(StaysError, match=why):
        _events(value, _mapping())


def test_a_mapping_that_leaves_a_record_out_or_is_of_another_stream_says_so() -> None:
    """The letter stays, with the reason."""
    with pytest.raises(StaysError, match="`only` leaves it out"):
        _events(b'{"state": "open"}', _mapping(head="only: {state: [booked]}"))
    with pytest.raises(StaysError, match="makes a transaction, the topic is of logins"):
        Repairer(_mapping(), LIMITS).events(_whole(b"{}"), Stream.LOGIN, NOW_MS)


@pytest.mark.parametrize(
    "time",
    [
        '{from: event_time, unit: s}\n  account_id: {template: "a{row}"}',
        "{sequence: {start: 2026-01-01T00:00:00Z, every: 1s}}",
    ],
)
def test_a_mapping_that_numbers_rows_is_refused(time: str) -> None:
    """A letter has no number: two letters would get one id."""
    fields = FIELDS.replace("{from: event_time, unit: s}", time)
    with pytest.raises(ReplayError, match=r"has no \{row\} and no sequence"):
        Repairer(_mapping(fields), LIMITS)


@pytest.mark.parametrize(
    ("whole", "why"),
    [
        (_whole(b"{}", "sentinel.silences"), "sentinel.silences is no topic of events"),
        (_whole(b"{}", "other.transactions"), "other.transactions is no topic of events"),
        (_whole(None), "the record has no value"),
        (_whole(b""), "the record has no value"),
        (_whole(b"xx", is_cut=True), "the record has 2 bytes, and the letter is cut"),
    ],
)
def test_only_whole_records_of_events_can_be_sent(whole: WholeLetter, why: str) -> None:
    """What people and workers write, empty and cut records stay, each with the reason."""
    inputs: Mapping[str, Stream] = {TOPIC: Stream.TRANSACTION}
    with pytest.raises(StaysError, match=f"^{why}"):
        stream_of(whole.letter, inputs)
    assert stream_of(_whole(b"{}").letter, inputs) is Stream.TRANSACTION


def test_a_value_that_is_no_json_is_judged_by_its_json_and_sent_as_it_was() -> None:
    """Such as Avro, which a registry translates."""
    repairer = Repairer(None, LIMITS, lambda _, value: value.removeprefix(b"\x00"))
    value = b"\x00" + encoded()
    (event,) = repairer.events(_whole(value), Stream.TRANSACTION, NOW_MS)
    assert (event.value, event.customer_id) == (value, "c1")


def test_a_byte_too_many_in_an_encoding_is_not_dropped() -> None:
    """Half a character at the end of a value is no end of a value."""
    value = encoded(event_time=SECONDS)
    mapping = _mapping(head="encoding: gb18030")
    assert len(_events(value, mapping)) == 1
    with pytest.raises(StaysError, match=r"^malformed: "):
        _events(value + b"\x81", mapping)
