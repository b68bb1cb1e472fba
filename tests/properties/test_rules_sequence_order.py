"""Sequences: which final events fire does not depend on the order of arrival or on cuts."""

from collections import Counter
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.model.events import Stream
from sentinel.model.step import Limit
from sentinel.rules.pattern import Match
from sentinel.rules.sequence import MAX_MATCHES, SequenceState

WITHIN_MS = 50
STREAMS = tuple(Stream)
Found = tuple[int, int]  # step, time
matches = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 90)), max_size=12, unique=True)


def _run(found: list[Found], state: SequenceState) -> set[str]:
    fired: set[str] = set()
    for step, time in found:
        match = Match(time, str(time), time, STREAMS[step], ())  # streams share ids
        for chain in state.add(state.track("c", Counter()), step, match, Counter()):
            assert chain[-1].event_id not in fired
            fired.add(chain[-1].event_id)
    return fired


def _oracle(found: list[Found]) -> set[str]:
    """Every final event to which some chain leads, by trying all."""
    steps = [[time for step, time in found if step == wanted] for wanted in range(3)]
    return {str(c) for a, b, c in product(*steps) if a <= b <= c and c - a <= WITHIN_MS}


@settings(max_examples=300, deadline=None)
@given(matches, st.randoms(use_true_random=False))
def test_the_oracles_events_fire_in_any_order(found: list[Found], random: object) -> None:
    """All arrivals within the retained span: exactly the oracle's final events fire."""
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _run(shuffled, SequenceState(3, WITHIN_MS)) == _oracle(found)


@settings(max_examples=100, deadline=None)
@given(matches, st.integers(0, 12))
def test_a_snapshot_anywhere_changes_nothing(found: list[Found], cut: int) -> None:
    """Saved and restored amid the events: the same events fire."""
    first, second = SequenceState(3, WITHIN_MS), SequenceState(3, WITHIN_MS)
    before = _run(found[:cut], first)
    second.restore(first.snapshot())
    assert before | _run(found[cut:], second) == _run(found, SequenceState(3, WITHIN_MS))


def test_matches_are_bounded_and_counted() -> None:
    """A step that always matches keeps only its last matches."""
    state, limits = SequenceState(2, 10_000), Counter[Limit]()
    for time in range(3 * MAX_MATCHES):
        match = Match(time, str(time), time, Stream.LOGIN, ())
        state.add(state.track("c", limits), 0, match, limits)
    assert limits == {Limit.SEQUENCE_MATCHES: 2 * MAX_MATCHES}
