"""Labels of events, and the cases that they make up."""

import pytest

from sentinel.backtest import read_labels
from sentinel.replay.block import ReplayError


def test_events_of_one_instance_are_one_case() -> None:
    """Scenario and instance name a case; fields that nobody needs are ignored."""
    truth = read_labels(
        [
            b'{"event_id":"a","scenario":"mule","instance":1,"customer_id":"c"}\n',
            b'{"event_id":"b","scenario":"mule","instance":1}\n',
            b"\n",
            b'{"event_id":"c","scenario":"takeover","instance":1}\n',
        ],
        "labels.jsonl",
    )
    assert [attack.scenario for attack in truth.attacks] == ["mule", "takeover"]
    assert truth.of_event["a"] is truth.of_event["b"] is not truth.of_event["c"]


def test_without_an_instance_an_event_is_a_case() -> None:
    """Chargebacks come as single events."""
    truth = read_labels([b'{"event_id":"a"}', b'{"event_id":"b"}'], "labels.jsonl")
    assert len(truth.attacks) == 2


def test_a_broken_line_is_named() -> None:
    """File and line, so that it can be mended."""
    with pytest.raises(ReplayError, match=r"labels\.jsonl:2: .*event_id"):
        read_labels([b'{"event_id":"a"}', b'{"scenario":"x"}'], "labels.jsonl")
