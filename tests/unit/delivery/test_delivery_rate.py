"""A channel's rate: counted in any period, with a share for red alerts."""

import random

from sentinel.delivery.rate import Rate

MINUTE = 60_000


def test_no_period_has_more_than_the_rate() -> None:
    """Whoever sends as soon as the rate lets him sends no more in any minute."""
    draw, rate, now_ms = random.Random(1), Rate(20, MINUTE), 0
    sent: list[int] = []
    for _ in range(2_000):
        wait_s = rate.acquire(now_ms, is_red=draw.random() < 0.2)
        if wait_s:
            now_ms += max(1, round(wait_s * 1_000))
        else:
            sent.append(now_ms)
            now_ms += draw.choice((0, 0, 0, 700))
    assert len(sent) > 1_000
    assert all(later - first >= MINUTE for first, later in zip(sent, sent[20:], strict=False))


def test_a_quarter_is_left_to_red_alerts() -> None:
    """Others wait when it alone is left; then red ones wait, too."""
    rate = Rate(8, MINUTE)
    assert [rate.acquire(0, is_red=False) for _ in range(6)] == [0.0] * 6
    assert rate.left(0) == 0
    assert rate.acquire(0, is_red=False) == 60.0
    assert [rate.acquire(1_000, is_red=True) for _ in range(2)] == [0.0] * 2
    assert rate.acquire(1_000, is_red=True) == 59.0
    assert rate.acquire(MINUTE, is_red=True) == 0.0


def test_a_clock_that_is_set_back_holds_nothing_for_longer_than_the_period() -> None:
    """What was sent in the future counts as sent now."""
    rate = Rate(1, MINUTE)
    assert rate.acquire(10 * MINUTE, is_red=True) == 0.0
    assert rate.acquire(0, is_red=True) == 60.0


def test_each_message_of_a_digest_counts() -> None:
    """A digest waits until there is room for all of it; a larger one than the rate goes alone."""
    rate = Rate(8, MINUTE)
    assert rate.acquire(0, is_red=False, messages=4) == 0.0
    assert rate.acquire(1_000, is_red=False, messages=3) == 59.0
    assert rate.acquire(1_000, is_red=False, messages=2) == 0.0
    assert rate.acquire(MINUTE, is_red=False, messages=4) == 0.0
    assert rate.acquire(2 * MINUTE, is_red=False, messages=40) == 0.0
    assert rate.acquire(2 * MINUTE, is_red=True) == 60.0
