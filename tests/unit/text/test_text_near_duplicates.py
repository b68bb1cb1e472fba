"""One text from many customers."""

import math
from collections import Counter

from sentinel.model.step import Limit
from sentinel.text.fold import fold, words
from sentinel.text.hashes import Hashes, hash_words
from sentinel.text.near_duplicates import NearDuplicates

HOUR_MS = 3_600_000
LETTER = (
    "on {n} march your branch took {n} yuan for a service that i never ordered and when i asked "
    "for the money the clerk told me to write to the head office which has not answered since"
)
OTHER = (
    "the mobile application closes itself whenever i try to confirm a transfer with my fingerprint "
    "and the hotline keeps telling me to install it again which did not change anything at all"
)


def _hashes(text: str) -> Hashes:
    return hash_words(words(fold(text)))


def _near_duplicates(max_groups: int = 100, max_customers: int = 100) -> NearDuplicates:
    return NearDuplicates(24 * HOUR_MS, 0.7, 8, max_groups, max_customers)


def test_customers_of_near_one_text_are_counted() -> None:
    """Other amounts and a few other words make no other text; another text does."""
    near_duplicates, limits = _near_duplicates(), Counter[Limit]()
    letters = [_hashes(LETTER.format(n=n) + (" please help" if n % 2 else "")) for n in range(5)]
    counts = [near_duplicates.count(each, n, n, limits) for n, each in enumerate(letters)]
    assert counts == [1, 2, 3, 4, 5]
    assert near_duplicates.count(_hashes(OTHER), 9, 9, limits) == 1


def test_one_customer_counts_once() -> None:
    """Who sends it again is no second customer."""
    near_duplicates, limits = _near_duplicates(), Counter[Limit]()
    assert [near_duplicates.count(_hashes(OTHER), 1, at, limits) for at in range(4)] == [1, 1, 1, 1]


def test_only_the_window_counts() -> None:
    """A day later the first no longer counts; just before it does."""
    near_duplicates, limits, text = _near_duplicates(), Counter[Limit](), _hashes(OTHER)
    assert near_duplicates.count(text, 1, 0, limits) == 1
    assert near_duplicates.count(text, 2, 24 * HOUR_MS - 1, limits) == 2
    assert near_duplicates.count(text, 3, 24 * HOUR_MS, limits) == 2


def test_short_texts_are_not_compared() -> None:
    """What is alike by chance is missing, not one."""
    assert math.isnan(_near_duplicates().count(_hashes("give me my money back"), 1, 0, Counter()))


def test_groups_and_customers_are_bounded_and_counted() -> None:
    """The longest silent makes room."""
    near_duplicates, limits = _near_duplicates(max_groups=2, max_customers=3), Counter[Limit]()
    texts = [
        _hashes(" ".join(f"{letter}{i}x".replace("0", "o") for i in "abcdefghij"))
        for letter in "uvw"
    ]
    for at, text in enumerate(texts):
        near_duplicates.count(text, at, at, limits)
    assert limits == {Limit.NEAR_DUPLICATE_GROUPS: 1}
    counts = [near_duplicates.count(texts[2], 10 + n, 10, limits) for n in range(5)]
    assert max(counts) == 3
    assert limits[Limit.NEAR_DUPLICATE_CUSTOMERS] == 3


def test_a_restored_memory_goes_on_the_same() -> None:
    """Counts and the next snapshot are those of a memory that never stopped."""
    steady, other, limits = _near_duplicates(3), _near_duplicates(3), Counter[Limit]()
    letters = [_hashes(LETTER.format(n=n)) for n in range(4)]
    for n, each in enumerate([*letters, _hashes(OTHER)]):
        steady.count(each, n, n * HOUR_MS, limits)
    other.restore(steady.snapshot())
    assert other.snapshot() == steady.snapshot()
    for n, each in enumerate([_hashes(OTHER), *letters], 10):
        at_ms = 3 * n * HOUR_MS
        assert steady.count(each, n, at_ms, limits) == other.count(each, n, at_ms, limits)
    assert other.snapshot() == steady.snapshot()
