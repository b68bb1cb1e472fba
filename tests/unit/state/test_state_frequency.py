"""The sketch of frequencies: never too few, seldom too many, and it fades."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.state.frequency import BLOCK, MOST, estimate, fade, remember, sketch_for

KEYS = st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(KEYS, st.integers(1, 40), max_size=200))
def test_no_key_is_remembered_too_low(seen: dict[int, int]) -> None:
    """Up to fifteen, whatever shares its counters."""
    sketch = sketch_for(64)
    for key, often in seen.items():
        remember(sketch, key, often)
    for key, often in seen.items():
        assert estimate(sketch, key) >= min(often, MOST)


def test_few_are_taken_for_another() -> None:
    """As many keys as it is made for: of strangers one in a thousand seems to be known."""
    sketch = sketch_for(10_000)
    for key in range(10_000):
        remember(sketch, key, 3)
    assert np.mean([estimate(sketch, key) > 0 for key in range(10_000, 30_000)]) < 0.005


def test_it_fades() -> None:
    """Half of what was counted is left."""
    sketch = sketch_for(1)
    remember(sketch, 7, 9)
    assert (estimate(sketch, 7), len(sketch)) == (9, BLOCK)
    fade(sketch)
    assert estimate(sketch, 7) == 4
