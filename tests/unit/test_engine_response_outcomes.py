"""What became of every response: one outcome each, in their order, however the input is cut."""

import json
from collections.abc import Sequence
from dataclasses import replace as with_fields
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sentinel.alerting.cloudevent import encode_response_outcome
from sentinel.engine import Configuration, Emitted, Engine, Outcome
from sentinel.model.alert import Alert, AlertState
from sentinel.model.events import Stream
from sentinel.model.people import People
from sentinel.model.response import Control, ResponseKind, ResponseResult
from sentinel.model.response_outcome import ResponseOutcome
from sentinel.model.signature import sign
from sentinel.model.step import Chunk, DeadLetterReason, Step
from sentinel.settings import read_configuration

START_MS = 1_772_416_800_000
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
SIGNED = People(required=True, keys={"li.wei": KEY.public_key()})
Record = tuple[int, bytes]
"""Append time and value."""


def _event(event_id: str) -> bytes:
    return msgspec.json.encode(
        {
            "event_id": event_id,
            "event_time": START_MS,
            "customer_id": "C",
            "kind": "transfer",
            "direction": "debit",
            "amount": 60_000,
            "status": "approved",
            "counterparty_country": "KP",
        }
    )


def _configuration(people: People | None = None) -> Configuration:
    return with_fields(read_configuration(None), people=people or People())


def _chunk(source: Stream | Control, first: int, records: Sequence[Record]) -> Chunk:
    times, values = [at_ms for at_ms, _ in records], [value for _, value in records]
    offsets = [first + n for n in range(len(records))]
    return Chunk(source, f"t.{source}", 3, offsets, times, [b"C"] * len(values), list(values))


class Desk:
    """An engine with one open alert, and a responses topic that begins at offset 10."""

    def __init__(self, people: People | None = None) -> None:
        self.engine, self.offset = Engine(_configuration(people)), 10
        chunk = _chunk(Stream.TRANSACTION, 0, [(START_MS, _event("E"))])
        self.alert: Alert = self.engine.process(Step(START_MS, [chunk])).emitted.alerts[0]

    def response(self, kind: str, **changes: Any) -> bytes:
        """A response to the alert."""
        fields = {
            "response_id": "R",
            "event_time": START_MS,
            "key": "C",
            "alert_id": self.alert.alert_id,
            "kind": kind,
            "actor": "li.wei",
            **changes,
        }
        return json.dumps({name: each for name, each in fields.items() if each}).encode()

    def sends(self, *values: bytes) -> Outcome:
        """One step with these responses, a second after each other."""
        records = [(START_MS + 1_000 * (n + 1), value) for n, value in enumerate(values)]
        return self.sends_at(records)

    def sends_at(self, records: Sequence[Record]) -> Outcome:
        """One step with these responses, at these append times; the clock stands at the last."""
        chunk = _chunk(Control.RESPONSE, self.offset, records)
        self.offset += len(records)
        end_ms = max([START_MS, *(at_ms for at_ms, _ in records)])
        return self.engine.process(Step(end_ms, [chunk] if records else [], end_ms))


def _results(outcome: Outcome) -> list[tuple[ResponseResult, int | None]]:
    return [(each.result, each.revision) for each in outcome.emitted.response_outcomes]


RESULTS: list[tuple[dict[str, Any], ResponseResult, int | None]] = [
    ({"kind": "acknowledge"}, ResponseResult.APPLIED, 2),
    ({"kind": "assign", "assignee": "wang.fang"}, ResponseResult.APPLIED, 2),
    ({"kind": "note", "note": "called"}, ResponseResult.APPLIED, 1),
    ({"kind": "disposition", "verdict": "confirmed"}, ResponseResult.APPLIED, 2),
    ({"kind": "retract", "event_id": "E"}, ResponseResult.APPLIED, 2),
    ({"kind": "retract", "event_id": "X"}, ResponseResult.UNCHANGED, 1),
    ({"kind": "acknowledge", "alert_id": "0f" * 16}, ResponseResult.NOT_OPEN, None),
    (
        {"kind": "label", "event_id": "E", "verdict": "confirmed", "alert_id": None},
        ResponseResult.APPLIED,
        None,
    ),
    ({"kind": "label", "event_id": "X", "verdict": "confirmed"}, ResponseResult.NOT_HELD, None),
]


@pytest.mark.parametrize(("fields", "result", "revision"), RESULTS)
def test_every_result_names_the_response_and_the_newest_revision(
    fields: dict[str, Any], result: ResponseResult, revision: int | None
) -> None:
    """All that the response says of itself, its position, and the alert's revision after it."""
    desk = Desk()
    outcome = desk.sends(desk.response(**fields))
    sent = msgspec.json.decode(desk.response(**fields))
    assert outcome.emitted.response_outcomes == [
        ResponseOutcome(
            outcome_id="R.3.10",
            response_id="R",
            partition=3,
            offset=10,
            key="C",
            kind=ResponseKind(sent["kind"]),
            actor="li.wei",
            alert_id=sent.get("alert_id"),
            event_id=sent.get("event_id"),
            result=result,
            revision=revision,
            reason=None,
            detail=None,
            processed_at=START_MS + 1_000,
        )
    ]
    assert outcome.counts.responses == {(ResponseKind(sent["kind"]), result): 1}
    if revision is not None:
        written = [desk.alert, *outcome.emitted.alerts]
        assert max(each.revision for each in written) == revision


def test_a_response_that_is_sent_twice_has_two_outcomes() -> None:
    """The same id at two offsets: applied, then what the alert is by now."""
    desk = Desk()
    acknowledge = desk.response("acknowledge")
    end = desk.response("disposition", verdict="confirmed")
    outcome = desk.sends(acknowledge, acknowledge, end, end)
    assert _results(outcome) == [
        (ResponseResult.APPLIED, 2),
        (ResponseResult.UNCHANGED, 2),
        (ResponseResult.APPLIED, 3),
        (ResponseResult.NOT_OPEN, None),
    ]
    ids = [each.outcome_id for each in outcome.emitted.response_outcomes]
    assert ids == ["R.3.10", "R.3.11", "R.3.12", "R.3.13"]
    assert outcome.emitted.alerts[-1].state is AlertState.RESOLVED
    assert outcome.emitted.alerts[-1].revision == 3


def test_a_disposition_has_the_revision_that_resolved_the_alert() -> None:
    """Also where the same step has a revision before it and an alert of another customer."""
    desk = Desk()
    other = _chunk(Stream.TRANSACTION, 1, [(START_MS + 1, _event("E2").replace(b'"C"', b'"D"'))])
    desk.engine.process(Step(START_MS + 1, [other]))
    outcome = desk.sends(
        desk.response("assign", assignee="wang.fang"),
        desk.response("disposition", verdict="false_positive"),
        desk.response("label", event_id="E2", verdict="confirmed", alert_id=None),
    )
    resolved = [each for each in outcome.emitted.alerts if each.state is AlertState.RESOLVED]
    assert [each.revision for each in resolved] == [3]
    assert _results(outcome)[1] == (ResponseResult.APPLIED, 3)


def _mixed(desk: Desk) -> list[Record]:
    """Responses of every result, with refused and unreadable ones among them."""
    late = START_MS + 3_600_000
    values = [
        desk.response("acknowledge", response_id="R1"),
        desk.response("note", response_id="R2", event_time=late),  # of the future
        b"{",
        desk.response("acknowledge", response_id="R1"),
        desk.response("note", response_id="R3", event_time=315_532_800_000),
        desk.response("label", response_id="R4", event_id="E", verdict="confirmed"),
        desk.response("retract", response_id="R5", event_id="X"),
        desk.response("disposition", response_id="R6", verdict="undecided"),
        desk.response("acknowledge", response_id="R7"),
    ]
    times = [1_000, 2_000, 3_000, 3_000, 2_500, 3_000, 9_000, 9_000, 9_001]  # one goes back
    return [(START_MS + ms, value) for ms, value in zip(times, values, strict=True)]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_outcomes_are_the_same_bytes_however_the_input_is_cut(size: int) -> None:
    """In steps of one record or all, the same records in the same order: the offsets'."""
    whole, cut = Desk(), Desk()
    expected = whole.sends_at(_mixed(whole)).emitted.response_outcomes
    records, found = _mixed(cut), list[ResponseOutcome]()
    for first in range(0, len(records), size):
        found += cut.sends_at(records[first : first + size]).emitted.response_outcomes
    assert list(map(encode_response_outcome, found)) == list(map(encode_response_outcome, expected))
    assert [each.offset for each in found] == [10, 11, 13, 14, 15, 16, 17, 18]
    assert {each.result for each in found} >= {
        ResponseResult.APPLIED,
        ResponseResult.UNCHANGED,
        ResponseResult.NOT_OPEN,
        ResponseResult.REFUSED,
    }


def test_outcomes_are_part_of_what_the_journal_hashes() -> None:
    """A replay that finds another outcome is found out."""
    desk = Desk()
    outcome = desk.sends(desk.response("note"))
    digest = outcome.digest()
    (told,) = outcome.emitted.response_outcomes
    outcome.emitted.response_outcomes = [msgspec.structs.replace(told, revision=9)]
    assert outcome.digest() != digest


def _refusals(emitted: Emitted) -> list[tuple[ResponseResult, DeadLetterReason | None, str | None]]:
    return [(each.result, each.reason, each.detail) for each in emitted.response_outcomes]


def test_a_refused_response_that_can_be_read_has_an_outcome_and_is_a_dead_letter() -> None:
    """Of the future: reason and detail are the dead letter's, and the counter has it."""
    desk = Desk()
    outcome = desk.sends(desk.response("acknowledge", event_time=START_MS + 3_600_000))
    (letter,) = outcome.emitted.dead_letters
    assert letter.reason is DeadLetterReason.FUTURE
    assert _refusals(outcome.emitted) == [(ResponseResult.REFUSED, letter.reason, letter.detail)]
    (refused,) = outcome.emitted.response_outcomes
    assert (refused.alert_id, refused.revision) == (desk.alert.alert_id, None)
    assert refused.processed_at == START_MS + 1_000
    assert outcome.counts.responses == {(ResponseKind.ACKNOWLEDGE, ResponseResult.REFUSED): 1}
    assert outcome.emitted.alerts == []


def test_what_is_not_signed_as_required_is_refused_and_what_follows_is_applied() -> None:
    """No signature, another's, an unknown signer, a broken one; then the right one."""
    desk = Desk(SIGNED)
    value, at_ms = desk.response("acknowledge"), START_MS + 1_000
    other = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
    good = sign(value, KEY, "li.wei", at_ms)
    outcome = desk.sends(
        value,
        sign(desk.response("acknowledge", actor="wang.fang"), KEY, "li.wei", at_ms),
        sign(value, other, "nobody", at_ms),
        sign(value, other, "li.wei", at_ms),
        sign(value, KEY, "li.wei", START_MS - 3_600_000),
        good,
    )
    told, letters = outcome.emitted.response_outcomes, outcome.emitted.dead_letters
    assert [each.result for each in told] == [ResponseResult.REFUSED] * 5 + [ResponseResult.APPLIED]
    assert [each.detail for each in told[:5]] == [letter.detail for letter in letters]
    assert {each.reason for each in told[:5]} == {DeadLetterReason.UNSIGNED}
    assert told[1].actor == "wang.fang"
    assert told[1].detail == "li.wei signs for wang.fang"
    assert len(outcome.emitted.alerts) == 1


@pytest.mark.parametrize(
    "value", [b"", b"{", b'{"response_id": 3}', b"eyJ.x.y", b"eyJ", b"x" * 2_000_000]
)
def test_what_is_no_response_has_no_outcome(value: bytes) -> None:
    """It is a dead letter as ever, and nothing else."""
    desk = Desk(SIGNED)
    outcome = desk.sends(value)
    assert len(outcome.emitted.dead_letters) == 1
    assert outcome.emitted.response_outcomes == []
    assert outcome.counts.responses == {}


def test_a_refused_response_moves_no_clock() -> None:
    """Its append time is bounded by the step's, and its outcome can be written."""
    desk = Desk(SIGNED)
    ahead_ms = 2**60  # a producer's timestamp
    chunk = _chunk(Control.RESPONSE, desk.offset, [(ahead_ms, desk.response("acknowledge"))])
    outcome = desk.engine.process(Step(START_MS + 5, [chunk], START_MS + 9))
    (refused,) = outcome.emitted.response_outcomes
    assert refused.processed_at == START_MS + 5
    event = json.loads(encode_response_outcome(refused))
    assert (event["id"], event["subject"]) == ("R.3.10", f"alert/{desk.alert.alert_id}")
    assert desk.engine.appended(Control.RESPONSE) < START_MS


def test_a_label_on_an_event_has_the_event_as_subject() -> None:
    """There may be no alert on it."""
    desk = Desk()
    label = desk.response("label", event_id="E", verdict="confirmed", alert_id=None)
    (outcome,) = desk.sends(label).emitted.response_outcomes
    event = json.loads(encode_response_outcome(outcome))
    assert event["subject"] == "event/E"
    assert event["type"] == "io.sentinel.response-result.v1"
    assert event["time"] == "2026-03-02T02:00:01.000Z"
