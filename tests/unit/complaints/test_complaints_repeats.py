"""Repeated complaints: in any order, each once, within bounds."""

from sentinel.complaints.repeats import Repeats

DAY_MS = 86_400_000


def _add(repeats: Repeats, *complaints: tuple[str, int], customer: str = "C1") -> list[bool]:
    return [repeats.add(customer, name, day * DAY_MS) for name, day in complaints]


def test_the_order_of_arrival_does_not_matter() -> None:
    """Three within ten days, the last to be told of being the first."""
    assert _add(Repeats(10, 3, 9), ("A", 100), ("B", 95), ("C", 90)) == [False, False, True]
    assert _add(Repeats(10, 3, 9), ("A", 100), ("B", 95), ("C", 89)) == [False, False, False]


def test_one_much_older_than_the_latest_is_none_of_them() -> None:
    """The latest three came within the days, but the one told now is not among them."""
    told = _add(Repeats(10, 3, 9), ("A", 100), ("B", 99), ("C", 98), ("D", 50))
    assert told == [False, False, True, False]


def test_a_complaint_counts_once() -> None:
    """Also if it was forgotten and begins again."""
    assert _add(Repeats(10, 2, 9), ("A", 1), ("A", 2), ("B", 3)) == [False, False, True]


def test_the_customer_silent_for_longest_is_forgotten_first() -> None:
    """Beyond the capacity; a new complaint makes a customer the latest again."""
    repeats = Repeats(10, 2, 2)
    for customer, name in (("C1", "A"), ("C2", "B"), ("C1", "C"), ("C3", "D")):
        _add(repeats, (name, 1), customer=customer)
    assert repeats.shrink() == 1
    assert _add(repeats, ("E", 2), customer="C1") == [True]
    assert _add(repeats, ("F", 2), customer="C2") == [False]


def test_what_is_too_old_to_count_is_let_go() -> None:
    """Without reaching any bound, and after a restart like before."""
    repeats, again = Repeats(10, 2, 2), Repeats(10, 2, 2)
    _add(repeats, ("A", 1), customer="C1")
    _add(repeats, ("B", 5), customer="C2")
    again.restore(repeats.snapshot())
    for each in (repeats, again):
        _add(each, ("C", 12), customer="C3")
        assert each.shrink() == 0
        assert _add(each, ("D", 13), customer="C2") == [True]
    assert repeats.snapshot() == again.snapshot()
