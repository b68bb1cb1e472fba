"""Silences from their topic: those that nobody can apply are dead letters with a reason."""

import json

import pytest

from sentinel.ingest import Limits, decode_silences
from sentinel.model.people import People
from sentinel.model.response import Control
from sentinel.model.step import Chunk, DeadLetterReason

NOW_MS = 1_767_571_200_000
LIMITS = Limits(
    lateness_ms=3_600_000,
    future_skew_ms=300_000,
    max_value_bytes=10_000,
    remembered_events=1_000,
    base_currency="CNY",
    rates={"CNY": 1.0},
)


def _record(*matchers: str, **changes: object) -> bytes:
    silence = {
        "silence_id": "S1",
        "matchers": matchers or ('risk="legal"',),
        "starts_at": "2026-01-05T08:00:00+08:00",
        "ends_at": NOW_MS + 3_600_000,
        "created_by": "li.wei",
        "comment": "",
    }
    return json.dumps({**silence, **changes}).encode()


def _chunk(*values: bytes | None) -> Chunk:
    count = len(values)
    return Chunk(
        stream=Control.SILENCE,
        topic="sentinel.silences",
        partition=0,
        offsets=list(range(count)),
        recorded_ms=[NOW_MS] * count,
        keys=[b"S1"] * count,
        values=list(values),
    )


def test_a_silence_is_read_with_times_in_ms() -> None:
    """However its times are written."""
    (silence,) = decode_silences([_chunk(_record())], LIMITS, People()).messages
    assert (silence.starts_at, silence.ends_at) == (NOW_MS, NOW_MS + 3_600_000)


def test_a_silence_of_every_alert_is_applied() -> None:
    """Who writes it is asked for --all; the record is as good as another."""
    decoded = decode_silences([_chunk(_record('tier=~".*"'))], LIMITS, People())
    assert (len(decoded.messages), decoded.dead_letters) == (1, [])


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (None, DeadLetterReason.EMPTY, "no value"),
        (b"{", DeadLetterReason.MALFORMED, "Input data was truncated"),
        (_record('severity!="red"'), DeadLetterReason.SCHEMA, 'no label "severity"'),
        (_record('tier="critical"'), DeadLetterReason.SCHEMA, 'no alert has the tier "critical"'),
        (_record("risk=legal,tier=red"), DeadLetterReason.SCHEMA, "is not a plain value"),
        (_record('tier="red"', "tier=blue"), DeadLetterReason.SCHEMA, "this never matches"),
        (_record('rule=~"a{1001}"'), DeadLetterReason.SCHEMA, "not a regular expression"),
        (_record(ends_at=NOW_MS - 1), DeadLetterReason.SCHEMA, "it ends before it starts"),
        (_record(ends_at=NOW_MS * 1_000), DeadLetterReason.SCHEMA, "4102444800000"),
        (_record(ends_at="2126-01-01T00:00:00Z"), DeadLetterReason.SCHEMA, "1970 and 2100"),
    ],
)
def test_what_nobody_can_apply_is_a_dead_letter(
    value: bytes | None, reason: DeadLetterReason, detail: str
) -> None:
    """Counted by reason, and the records after it are read."""
    decoded = decode_silences([_chunk(value, _record())], LIMITS, People())
    (letter,) = decoded.dead_letters
    assert (letter.reason, letter.offset, len(decoded.messages)) == (reason, 0, 1)
    assert detail in letter.detail
