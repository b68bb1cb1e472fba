"""Silences: when they suppress, and their bounds."""

import pytest
from tests.unit.alerting.desk import CALL, ORANGE, RED, Desk

from sentinel.model.alert import Change, Suppression, Suppressor, Tier


def test_a_silence_suppresses_and_releases_what_is_open() -> None:
    """From its start to its end, each with a revision of the alerts that it matches."""
    desk = Desk()
    desk.fires(0, RED)
    assert desk.silences('risk="operational"', 1, 3) == []
    (suppressed,) = desk.waits(1)
    assert (suppressed.change, suppressed.suppressed[0].by) == (Change.SUPPRESSED, "s1")
    (born,) = desk.fires(2, RED, customer="C2")
    assert (born.change, born.suppressed[0].reason) == (Change.OPENED, Suppression.SILENCE)
    released = desk.waits(3)
    assert [(each.change, each.suppressed) for each in released] == [(Change.RELEASED, ())] * 2


def test_a_silence_may_be_expired_early() -> None:
    """The newest record of its id counts."""
    desk = Desk()
    desk.fires(0, RED)
    (suppressed,) = desk.silences("tier=red", -1, 5)
    (released,) = desk.silences("tier=red", -1, 0)
    assert (suppressed.change, released.change) == (Change.SUPPRESSED, Change.RELEASED)
    assert desk.waits(6) == []


def test_silences_are_bounded_in_number() -> None:
    """A third one is refused and silences nothing; what is there can be changed and ended."""
    desk = Desk()
    desk.silences("tier=blue", 0, 8, "a")
    desk.silences("tier=blue", 0, 8, "b")
    desk.silences("tier=red", 0, 8, "c")
    assert desk.refusal == "there are 2 silences already"
    assert desk.fires(1, RED)[0].suppressed == ()
    desk.silences("tier=blue", 0, 7, "a")
    assert desk.refusal is None
    desk.silences("tier=blue", 0, 1, "c")  # is over
    assert desk.refusal is None


@pytest.mark.parametrize(
    ("matcher", "hours", "refusal"),
    [
        ("entity=C1", 720, None),
        ("entity=C1", 721, "it is longer than 720 h"),
        ("rule=ato.drain", 720, None),
        ("tier=blue", 8, None),
        ("tier=blue", 9, "it is longer than 8 h and names neither one entity nor one rule"),
        ("entity=~.*", 9, "it is longer than 8 h and names neither one entity nor one rule"),
        ("entity!=C1", 9, "it is longer than 8 h and names neither one entity nor one rule"),
    ],
)
def test_silences_are_bounded_in_length(matcher: str, hours: float, refusal: str | None) -> None:
    """A wide one is short; one that is refused silences nothing."""
    desk = Desk()
    desk.silences(matcher, 0, hours)
    assert desk.refusal == refusal
    fired = desk.fires(1, 20, actions=CALL)[0]
    assert (fired.tier, bool(fired.suppressed)) == (Tier.BLUE, refusal is None)


def test_one_person_cannot_silence_red() -> None:
    """Whatever its matchers say; until another approves it, and of what rises to red no more."""
    desk = Desk()
    desk.silences("entity=C1", 0, 24, approved_by=None)
    (small,) = desk.fires(1, ORANGE)
    assert small.suppressed == (Suppressor(Suppression.SILENCE, "s1"),)
    (risen,) = desk.fires(2, RED, rule="another")
    assert (risen.change, risen.suppressed) == (Change.ROSE, ())
    (quiet,) = desk.silences("entity=C1", 0, 24)
    assert (quiet.change, quiet.suppressed) == (Change.SUPPRESSED, small.suppressed)
