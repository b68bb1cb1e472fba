"""Timers against a dictionary that is searched the slow way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.state.timers import Key, Timers

CAPACITY = 4
names = st.sampled_from("abcdef")
operations = st.lists(
    st.one_of(
        st.tuples(st.just("set"), names, st.integers(0, 30)),
        st.tuples(st.just("cancel"), names, st.just(0)),
        st.tuples(st.just("advance"), st.just(""), st.integers(0, 30)),
        st.tuples(st.just("restart"), st.just(""), st.just(0)),
    ),
    max_size=80,
)


def _restarted(timers: Timers) -> Timers:
    again = Timers(CAPACITY)
    again.restore(timers.snapshot())
    return again


@settings(max_examples=400, deadline=None)
@given(operations)
def test_equals_a_naive_model(steps: list[tuple[str, str, int]]) -> None:
    """Set, move, cancel, fire and restart in any order: what fires, when, and what is refused."""
    timers, due = Timers(CAPACITY), dict[Key, int]()
    for what, name, number in steps:
        key: Key = (name, "x")
        if what == "set":
            fits = key in due or len(due) < CAPACITY
            assert timers.set(key, number) is fits
            if fits:
                due[key] = number
        elif what == "cancel":
            timers.cancel(key)
            due.pop(key, None)
        elif what == "advance":
            fired = sorted((at, key) for key, at in due.items() if at <= number)
            assert list(timers.pop_due(number)) == fired
            for _, key in fired:
                del due[key]
        else:
            timers = _restarted(timers)
        assert len(timers) == len(due)
    assert list(timers.pop_due(30)) == sorted((at, key) for key, at in due.items())
    assert len(timers) == 0


def test_fires_once_in_order_of_time_then_key() -> None:
    """Whatever the order in which they were set."""
    timers = Timers(9)
    for name, due_ms in (("b", 5), ("c", 3), ("a", 5), ("d", 9)):
        timers.set((name,), due_ms)
    assert list(timers.pop_due(8)) == [(3, ("c",)), (5, ("a",)), (5, ("b",))]
    assert list(timers.pop_due(8)) == []
    assert list(timers.pop_due(9)) == [(9, ("d",))]


@pytest.mark.parametrize(("first", "then"), [(5, 9), (9, 5)])
def test_a_moved_deadline_fires_at_its_new_time_only(first: int, then: int) -> None:
    """Later or earlier, and once, also when it was there before."""
    timers = Timers(1)
    for due_ms in (first, then, first, then):
        timers.set(("a",), due_ms)
    assert list(timers.pop_due(then - 1)) == []
    assert list(timers.pop_due(99)) == [(then, ("a",))]


def test_what_is_set_while_firing_fires_in_the_same_pass() -> None:
    """A chain of deadlines, each set by the one before, is not held up by a long jump."""
    timers, fired = Timers(1), []
    timers.set(("a",), 10)
    for due_ms, key in timers.pop_due(35):
        fired.append(due_ms)
        assert timers.set(key, due_ms + 10)
    assert fired == [10, 20, 30]
    assert list(timers.pop_due(40)) == [(40, ("a",))]


def test_no_room_is_told_and_made_by_cancelling() -> None:
    """A known key may be moved even when all is full."""
    timers = Timers(2)
    assert timers.set(("a",), 1)
    assert timers.set(("b",), 2)
    assert not timers.set(("c",), 3)
    assert timers.set(("a",), 4)
    timers.cancel(("b",))
    assert timers.set(("c",), 3)
    assert [key for _, key in timers.pop_due(9)] == [("c",), ("a",)]


def test_moving_for_ever_takes_no_more_memory() -> None:
    """Old entries of moved deadlines are thrown away when they are most of the heap."""
    timers = Timers(2)
    for due_ms in range(10_000):
        timers.set(("a",), due_ms)
        assert len(timers._heap) <= 2 * len(timers) + 64
    assert list(timers.pop_due(10_000)) == [(9_999, ("a",))]


def test_equal_deadlines_give_equal_bytes() -> None:
    """However they came about."""
    one, other = Timers(3), Timers(3)
    one.set(("a",), 1)
    one.set(("b",), 2)
    for name, due_ms in (("c", 7), ("b", 2), ("a", 9), ("a", 1)):
        other.set((name,), due_ms)
    other.cancel(("c",))
    assert one.snapshot() == other.snapshot() == _restarted(other).snapshot()
