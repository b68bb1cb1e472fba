"""Topics that emerge."""

import math
from collections import Counter

import numpy as np

from sentinel.model.ids import PLAIN
from sentinel.model.step import Limit
from sentinel.text.fold import fold, words
from sentinel.text.hashes import hash_words
from sentinel.text.topics import Rising, Topics

HOUR_MS = 3_600_000
RISING = Rising(
    half_life_ms=6 * HOUR_MS,
    past_half_life_ms=14 * 24 * HOUR_MS,
    min_count=5,
    min_evidence=20,
    warm_up=100,
)
THEMES = (
    "the queue in the branch is far too long",
    "my card was declined abroad again",
    "the fee for the account is too high",
    "the hotline does not answer the telephone",
)
NEW = "the wallet loses its balance since the update"


def _rise(
    topics: Topics, text: str, complaint_id: str, at_ms: int, limits: Counter[Limit] | None = None
) -> float:
    """Every complaint is of a customer of its own: the id up to a slash names both."""
    split = words(fold(text))
    told = Counter[Limit]() if limits is None else limits
    customer = PLAIN.text(complaint_id.partition("/")[0])
    return topics.rise(split, hash_words(split), complaint_id, customer, at_ms, told)


def _usual(n: int, seed: int = 1, max_topics: int = 100, max_customers: int = 1000) -> Topics:
    """Topics that have seen ``n`` complaints of the usual themes, one an hour."""
    topics, random = Topics(RISING, max_topics, max_customers), np.random.default_rng(seed)
    for hour in range(n):
        _rise(topics, THEMES[random.integers(len(THEMES))], f"u{hour}", hour * HOUR_MS)
    return topics


def test_what_is_new_rises_and_names_its_complaints() -> None:
    """The fifth or sixth complaint about something new stands out, with the ids before it."""
    topics = _usual(300)
    rises = [_rise(topics, NEW, f"n{i}", 300 * HOUR_MS + i) for i in range(8)]
    assert rises[:4] == [0, 0, 0, 0]
    assert min(rises[5:]) > 4
    wallet = next(topic for topic in topics.current if topic.term == "wallet")
    assert wallet.examples[-3:] == ("n5", "n6", "n7")
    assert wallet.since_ms <= wallet.newest_ms == 300 * HOUR_MS + 7
    assert "since the" in {topic.term for topic in topics.current}
    assert "the" not in {topic.term for topic in topics.current}


def test_the_usual_does_not_rise() -> None:
    """Not even when there are ten times as many complaints at once, of all themes."""
    topics = _usual(300)
    rises = [
        _rise(topics, THEMES[i % len(THEMES)], f"m{i}", 300 * HOUR_MS + i * 360_000)
        for i in range(100)
    ]
    assert max(rises) == 0
    assert topics.current == []


def test_nothing_rises_before_there_is_a_past() -> None:
    """Missing until the warm-up is over."""
    assert math.isnan(_rise(_usual(50), NEW, "n", 50 * HOUR_MS))


def test_nobody_makes_a_topic_alone() -> None:
    """Whoever complains again and again counts once a half-life."""
    topics = _usual(300)
    at_ms = 300 * HOUR_MS
    assert max(_rise(topics, NEW, f"loud/{i}", at_ms + i) for i in range(50)) == 0
    rises = [_rise(topics, NEW, f"n{i}", at_ms + 100 + i) for i in range(8)]
    assert rises[:3] == [0, 0, 0]
    assert rises[-1] > 4


def test_remembered_customers_are_bounded_and_counted() -> None:
    """The first to have counted makes room."""
    topics, limits = _usual(10, max_customers=2), Counter[Limit]()
    for i in range(5):
        _rise(topics, NEW, f"n{i}", 20 * HOUR_MS + i, limits)
    assert limits[Limit.TOPIC_CUSTOMERS] == 3


def test_a_topic_ends_when_nobody_speaks_of_it() -> None:
    """Four half-lives of silence, and it is gone."""
    topics = _usual(300)
    for i in range(8):
        _rise(topics, NEW, f"n{i}", 300 * HOUR_MS + i)
    _rise(topics, THEMES[0], "later", 325 * HOUR_MS)
    assert topics.current == []


def test_topics_are_bounded_and_counted() -> None:
    """The longest silent makes room."""
    topics, limits = _usual(300, max_topics=2), Counter[Limit]()
    for i in range(8):
        _rise(topics, NEW, f"n{i}", 300 * HOUR_MS + i, limits)
    assert len(topics.current) == 2
    assert limits[Limit.TOPICS] > 0


def test_restored_topics_go_on_the_same() -> None:
    """Rises and the next snapshot are those of topics that never stopped, late complaints too."""
    steady, other = _usual(200), _usual(120, seed=5)
    other.restore(steady.snapshot())
    assert other.snapshot() == steady.snapshot()
    for i in range(12):
        at_ms = (200 - i % 3) * HOUR_MS
        assert _rise(steady, NEW, f"n{i}", at_ms) == _rise(other, NEW, f"n{i}", at_ms)
    assert steady.current
    assert other.snapshot() == steady.snapshot()
