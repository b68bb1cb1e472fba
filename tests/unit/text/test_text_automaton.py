"""The automaton finds what a search for each term finds."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.text.automaton import Automaton

LETTERS = "ab没有"


@settings(deadline=None)  # the first call may compile
@given(
    st.lists(st.text(LETTERS, min_size=1, max_size=5), max_size=12, unique=True),
    st.text(LETTERS + "x🙂", max_size=60),
)
def test_every_occurrence_is_found(terms: list[str], text: str) -> None:
    """The same hits as looking for every term at every place, overlapping ones too."""
    expected = sorted(
        (start, start + len(term), number)
        for number, term in enumerate(terms)
        for start in range(len(text))
        if text.startswith(term, start)
    )
    assert sorted(Automaton(terms).find(text)) == expected


def test_many_hits_find_room() -> None:
    """More hits than characters are told, too."""
    terms = ["a" * length for length in range(1, 9)]
    assert len(Automaton(terms).find("a" * 100)) == sum(101 - length for length in range(1, 9))


def test_a_broken_surrogate_is_no_error() -> None:
    """JSON can hold half a character."""
    assert Automaton(["a"]).find("\ud800a") == [(1, 2, 0)]
