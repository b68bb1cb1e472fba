"""Hostile records on every topic that a worker reads change nothing of the good ones' alerts."""

from functools import cache

import pytest
from tests.abuse.suite import Abuse

from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.settings import read_configuration

STEPS, HOSTILE = 60, 1_500


@cache
def _abuse() -> Abuse:
    return Abuse(read_configuration(None), seed=1, steps=STEPS)


def test_the_good_ones_alerts_are_the_same_bytes() -> None:
    """And each hostile record of a topic from outside is put aside, but answers to nothing."""
    alone, among = _abuse().play(0), _abuse().play(HOSTILE)
    assert len(alone.alerts) > 100
    assert among.alerts == alone.alerts
    assert not alone.dead_lettered
    for source in (*Stream, Control.SILENCE):
        assert among.dead_lettered[source.value] == among.fed[source] - alone.fed[source]
    assert among.dead_lettered[Control.RESPONSE.value] > HOSTILE // 2


@pytest.mark.parametrize("seed", [2, 3])
def test_other_banks_days_are_the_same_too(seed: int) -> None:
    """With fewer records, and other ones."""
    abuse = Abuse(read_configuration(None), seed, steps=20)
    assert abuse.play(300).alerts == abuse.play(0).alerts
