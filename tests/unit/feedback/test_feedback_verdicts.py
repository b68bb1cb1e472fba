"""Verdicts on events, and what each rule has to its credit."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sentinel.feedback import Verdicts
from sentinel.model.events import EventKey, Stream
from sentinel.model.response import Verdict
from sentinel.model.signal import Mode, Risk, Signal, Title
from sentinel.model.step import Limit

CONFIRMED, FALSE_POSITIVE = Verdict.CONFIRMED, Verdict.FALSE_POSITIVE


def signal(event: int, rule: str = "one", mode: Mode = Mode.LIVE) -> Signal:
    """A rule's yes to the event of that number."""
    return Signal(
        index=event,
        rule_id=rule,
        entity_id="C1",
        stream=Stream.TRANSACTION,
        event_id=f"E{event}",
        event_time=event,
        recorded_ms=event,
        risk=Risk.CREDIT,
        severity=50,
        mode=mode,
        title=Title("A", "甲"),
        explain=tuple,
        actions=(),
        runbook="",
    )


def _key(event_id: str) -> EventKey:
    return Stream.TRANSACTION, event_id


def test_a_verdict_counts_for_every_rule_that_fired() -> None:
    """Rules that only watch are measured on the same answers as those that page."""
    verdicts = Verdicts(10)
    verdicts.note([signal(1), signal(1, "two", Mode.SHADOW)])
    verdicts.note([signal(2)])
    assert verdicts.judge([_key("E1"), _key("E2"), _key("E9")], CONFIRMED) == 2
    assert verdicts.tallies == {("one", "live", CONFIRMED): 2, ("two", "shadow", CONFIRMED): 1}


def test_a_corrected_verdict_is_undone() -> None:
    """The newest one on an event is the truth, whatever was said before."""
    verdicts = Verdicts(10)
    verdicts.note([signal(1)])
    for verdict in (CONFIRMED, Verdict.UNDECIDED, FALSE_POSITIVE, FALSE_POSITIVE):
        verdicts.judge([_key("E1")], verdict)
    assert +verdicts.tallies == Counter({("one", "live", FALSE_POSITIVE): 1})


def test_a_rule_that_fires_later_gets_the_verdict_too() -> None:
    """A late event completes a sequence on an event that was judged already: it counts at once."""
    verdicts = Verdicts(10)
    verdicts.note([signal(1)])
    verdicts.judge([_key("E1")], CONFIRMED)
    verdicts.note([signal(1), signal(1, "late")])
    assert verdicts.tallies["late", "live", CONFIRMED] == 1
    assert verdicts.tallies["one", "live", CONFIRMED] == 1


def test_the_oldest_events_make_room_and_are_counted() -> None:
    """What is forgotten can get no verdict; what was counted stays."""
    verdicts = Verdicts(2)
    verdicts.note([signal(1)])
    verdicts.judge([_key("E1")], CONFIRMED)
    verdicts.note([signal(2)])
    verdicts.note([signal(3)])
    assert verdicts.limits == {Limit.FIRED_EVENTS: 1}
    assert verdicts.judge([_key("E1")], FALSE_POSITIVE) == 0
    assert verdicts.tallies == {("one", "live", CONFIRMED): 1}


@given(
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["one", "two", *Verdict])), max_size=40),
    st.integers(0, 40),
)
def test_tallies_are_those_of_the_newest_verdicts(
    given: list[tuple[int, str]], restart: int
) -> None:
    """Against a naive account, with a restart anywhere."""
    verdicts = Verdicts(10)
    fired: dict[str, set[str]] = {}
    found: dict[str, Verdict] = {}
    for index, (event, what) in enumerate(given):
        if index == restart:
            restored = Verdicts(10)
            restored.restore(verdicts.snapshot())
            assert restored.snapshot() == verdicts.snapshot()
            verdicts = restored
        name = f"E{event}"
        if isinstance(what, Verdict):
            verdicts.judge([_key(name)], what)
            if name in fired:
                found[name] = what
        else:
            verdicts.note([signal(event, what)])
            fired.setdefault(name, set()).add(what)
    expected = Counter((rule, "live", str(found[name])) for name in found for rule in fired[name])
    assert +Counter(verdicts.tallies) == expected
