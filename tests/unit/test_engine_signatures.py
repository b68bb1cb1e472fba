"""Signed answers and silences through the engine: who is heard where signatures are required."""

from dataclasses import replace as with_fields

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from sentinel.engine import Engine, Outcome
from sentinel.model.alert import AlertState, Tier
from sentinel.model.events import Stream
from sentinel.model.people import People
from sentinel.model.response import Control, Response, ResponseKind, Silence
from sentinel.model.signature import sign
from sentinel.model.step import Chunk, DeadLetterReason, Step
from sentinel.settings import read_configuration

START_MS = 1_772_416_800_000
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)
    for n, name in enumerate(("li.wei", "wang.fang"))
}


class Desk:
    """An engine that asks for signatures, with one open alert."""

    def __init__(self, payee: str = "p1") -> None:
        keys = {name: key.public_key() for name, key in KEYS.items()}
        configuration = read_configuration(None)
        self.engine = Engine(with_fields(configuration, people=People(required=True, keys=keys)))
        self._offset = 0
        event = {
            "event_id": "E",
            "event_time": START_MS,
            "customer_id": "C",
            "kind": "transfer",
            "direction": "debit",
            "amount": 60_000.0,
            "counterparty_id": payee,
            "status": "approved",
            "counterparty_country": "KP",
        }
        alerts = self.sends(Stream.TRANSACTION, msgspec.json.encode(event)).emitted.alerts
        self.alert = min(alerts, key=lambda alert: list(Tier).index(alert.tier))

    def sends(self, source: Stream | Control, *values: bytes) -> Outcome:
        """One step with these records."""
        n, first = len(values), self._offset
        self._offset += n
        offsets, times = list(range(first, first + n)), [START_MS] * n
        chunk = Chunk(source, source.value, 0, offsets, times, [None] * n, [*values])
        return self.engine.process(Step(START_MS, [chunk]))

    def respond(self, actor: str, signer: str | None) -> Outcome:
        """Somebody acknowledges the alert, signed by one who may be another."""
        response = Response(
            response_id="R",
            event_time=START_MS,
            key=self.alert.key,
            alert_id=self.alert.alert_id,
            kind=ResponseKind.ACKNOWLEDGE,
            actor=actor,
        )
        return self.sends(Control.RESPONSE, _signed(msgspec.json.encode(response), signer))

    def silences(self, silence: Silence, signer: str | None) -> Outcome:
        """Somebody sends a silence."""
        return self.sends(Control.SILENCE, _signed(msgspec.json.encode(silence), signer))


def _signed(value: bytes, signer: str | None) -> bytes:
    return value if signer is None else sign(value, KEYS[signer], signer, START_MS)


def _refusals(outcome: Outcome) -> list[tuple[DeadLetterReason, str]]:
    return [(letter.reason, letter.detail) for letter in outcome.emitted.dead_letters]


SILENCE = Silence(
    silence_id="S",
    matchers=('entity="C"',),
    starts_at=START_MS,
    ends_at=START_MS + 3_600_000,
    created_by="li.wei",
    comment="",
)


def test_an_answer_counts_if_its_actor_has_signed_it() -> None:
    """Neither unsigned nor signed by another; the signed one is applied."""
    desk = Desk()
    unsigned = desk.respond("li.wei", None)
    assert [reason for reason, _ in _refusals(unsigned)] == [DeadLetterReason.UNSIGNED]
    forged = desk.respond("li.wei", "wang.fang")
    assert _refusals(forged) == [(DeadLetterReason.UNSIGNED, "wang.fang signs for li.wei")]
    (acknowledged,) = desk.respond("li.wei", "li.wei").emitted.alerts
    assert acknowledged.state is AlertState.ACKNOWLEDGED


def test_a_silence_counts_if_its_author_has_signed_it() -> None:
    """What is put aside says why; anybody known may end it."""
    desk = Desk()
    assert desk.silences(SILENCE, None).emitted.alerts == []
    forged = desk.silences(SILENCE, "wang.fang")
    assert _refusals(forged) == [(DeadLetterReason.REFUSED, "wang.fang signs for li.wei")]
    assert desk.alert.tier is Tier.ORANGE
    (quiet,) = desk.silences(SILENCE, "li.wei").emitted.alerts
    assert quiet.suppressed
    ended = desk.silences(replace(SILENCE, ends_at=START_MS), "wang.fang")
    assert not ended.emitted.dead_letters


@pytest.mark.parametrize(
    ("approval", "signer", "refusal"),
    [
        ({}, "wang.fang", None),
        ({}, "li.wei", "li.wei signs for wang.fang"),
        (
            {"matchers": ('entity=~".*"',)},
            "wang.fang",
            "only a silence that is known can be approved",
        ),
        (
            {"ends_at": START_MS + 7_200_000},
            "wang.fang",
            "only a silence that is known can be approved",
        ),
        ({"created_by": "nobody"}, "wang.fang", "it is li.wei's"),
        ({"silence_id": "T"}, "wang.fang", "only a silence that is known can be approved"),
    ],
)
def test_red_is_silenced_by_two_signatures(
    approval: dict[str, object], signer: str, refusal: str | None
) -> None:
    """The approver's own, on the very silence that the author has signed; one person cannot."""
    desk = Desk(payee="EXAMPLE-MULE")
    desk.silences(SILENCE, "li.wei")
    approved = replace(SILENCE, approved_by="wang.fang", **approval)
    outcome = desk.silences(approved, signer)
    assert desk.alert.tier is Tier.RED
    if refusal is None:
        assert not outcome.emitted.dead_letters
        (quiet,) = outcome.emitted.alerts
        assert quiet.suppressed
    else:
        ((reason, text),) = _refusals(outcome)
        assert (reason, text.startswith(refusal)) == (DeadLetterReason.REFUSED, True)
        assert outcome.emitted.alerts == []
