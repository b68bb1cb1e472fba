"""Inline rule tests: what an event in a test stands for, and how a test is judged."""

from collections import Counter

import msgspec
import pytest

from sentinel.engine import Emitted, Outcome
from sentinel.model.alert import Alert, AlertState, Change, Entity, Tier, Trigger
from sentinel.model.counts import Counts
from sentinel.model.document import ConfigError, parse
from sentinel.model.events import Stream
from sentinel.model.signal import Risk, Title
from sentinel.model.step import Step
from sentinel.replay.ruletests import START_MS, RuleTest, read_tests, run_test


def _tests(events: str, expect: str = "fires") -> list[RuleTest]:
    text = f"""\
rules:
  - id: quiet.rule
  - id: some.rule
    tests:
      - name: a test
        events:
{events}
        expect: {expect}
"""
    return read_tests([parse(text, "rules/some.yaml")])


def _events(test: RuleTest, stream: Stream) -> list[dict[str, object]]:
    (chunk,) = (each for each in test.step.chunks if each.stream is stream)
    return [msgspec.json.decode(value or b"") for value in chunk.values]


def test_an_event_is_filled_in() -> None:
    """What a test does not say takes the usual value of its stream."""
    (test,) = _tests("          - {on: complaint}")
    assert test.rule_id == "some.rule"
    assert _events(test, Stream.COMPLAINT) == [
        {
            "event_id": "e1",
            "event_time": START_MS,
            "complaint_id": "k1",
            "customer_id": "C1",
            "status": "received",
            "channel": "app",
        }
    ]


def test_events_repeat_and_are_put_in_order_of_time() -> None:
    """A repeated event counts up, and its times run among those of the others."""
    (test,) = _tests(
        """\
          - {on: transaction, at: 10m, repeat: 3, every: 1m, amount: 5, counterparty_id: "P{n}"}
          - {on: transaction, at: 11m, amount: 7, kind: cash}
          - {on: login, at: 1h}"""
    )
    transactions = _events(test, Stream.TRANSACTION)
    minutes = [(int(str(each["event_time"])) - START_MS) / 60_000 for each in transactions]
    assert minutes == [10, 11, 11, 12]
    assert [each.get("counterparty_id") for each in transactions] == ["P1", "P2", None, "P3"]
    assert [each["event_id"] for each in transactions] == ["e1", "e2", "e3", "e4"]
    (login,) = _events(test, Stream.LOGIN)
    assert login["success"] is True
    assert test.step.stream_ms == START_MS + 3_600_000


class _Output:
    """An engine that says what it is told to, whatever happens."""

    def __init__(self, fired: int, *tiers: Tier) -> None:
        self._outcome = Outcome(
            Emitted(alerts=[_alert(tier) for tier in tiers]),
            Counts(signals=Counter({("some.rule", "live"): fired, ("other.rule", "live"): 9})),
        )

    def process(self, step: Step) -> Outcome:
        return self._outcome


def _alert(tier: Tier) -> Alert:
    return Alert(
        alert_id="a",
        revision=1,
        key="C1",
        entity=Entity("customer", "C1"),
        risk=Risk.CREDIT,
        state=AlertState.FIRING,
        change=Change.OPENED,
        tier=tier,
        previous_tier=None,
        score=50,
        customer_score=50,
        title=Title("a", "甲"),
        opened_at=0,
        updated_at=0,
        acknowledged_by=None,
        assignee=None,
        resolution=None,
        escalations=(),
        suppressed=(),
        trigger=Trigger(Stream.LOGIN, "e1", 0, 0),
        reasons=(),
        actions=(),
        runbook="",
        config_version="",
    )


@pytest.mark.parametrize(
    ("expect", "engine", "passed"),
    [
        ("fires", _Output(2), True),
        ("fires", _Output(0), False),
        ("none", _Output(0), True),
        ("none", _Output(1, Tier.BLUE), False),
        ("{tier: red}", _Output(2, Tier.ORANGE, Tier.RED, Tier.YELLOW), True),
        ("{tier: red}", _Output(2, Tier.ORANGE), False),
        ("{tier: blue}", _Output(1, Tier.BLUE, Tier.RED), False),
        ("{tier: blue}", _Output(1), False),
    ],
)
def test_a_test_is_judged_by_the_rule_and_its_highest_tier(
    expect: str, engine: _Output, passed: bool
) -> None:
    """Other rules' signals do not count; a tier is met by the highest alone."""
    (test,) = _tests("          - {on: login}", expect)
    assert run_test(test, engine).passed is passed


BAD = {
    "unknown stream": (
        "{on: logins}",
        "fires",
        '7:18: "logins" is none of transaction, login, complaint (did you mean "login"?)',
    ),
    "unknown field": (
        "{on: login, devise_id: x}",
        "fires",
        '7:25: a login has no field "devise_id" (did you mean "device_id"?)',
    ),
    "a time instead of at": (
        "{on: login, event_time: 5}",
        "fires",
        '7:25: a login has no field "event_time" (did you mean "event_id"?)',
    ),
    "missing field": (
        "{on: transaction}",
        "fires",
        "7:13: object missing required field `amount`",
    ),
    "wrong value": (
        "{on: transaction, amount: 5, kind: crad}",
        "fires",
        "7:48: invalid enum value 'crad'",
    ),
    "no duration": (
        "{on: login, at: soon}",
        "fires",
        '7:29: "soon" is not a duration: a whole number and s, m, h or d, like 10m',
    ),
    "repeat without every": (
        "{on: login, repeat: 5}",
        "fires",
        "7:33: a repeated event needs every",
    ),
    "repeated without end": (
        "{on: login, repeat: 100000, every: 1s}",
        "fires",
        "7:33: expected `int` <= 1000",
    ),
    "unknown expectation": (
        "{on: login}",
        "nothing",
        '8:17: "nothing" is none of none, fires',
    ),
    "unknown tier": (
        "{on: login}",
        "{tier: green}",
        '8:24: "green" is none of red, orange, yellow, blue',
    ),
}


@pytest.mark.parametrize(("event", "expect", "message"), BAD.values(), ids=BAD.keys())
def test_a_wrong_test_is_refused_at_its_place(event: str, expect: str, message: str) -> None:
    """A mistake in a test is a configuration error, not a failed test."""
    with pytest.raises(ConfigError) as caught:
        _tests(f"          - {event}", expect)
    assert str(caught.value) == f"rules/some.yaml:{message}"
