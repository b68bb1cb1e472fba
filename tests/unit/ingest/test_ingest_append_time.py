"""Append times: ascending, never ahead of now, and known for every record."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.ingest.append_time import NEVER, append_times

NOW = 1_000


def _appended(
    recorded: list[int], happened: list[int], previous: int, wall_ms: int | None
) -> list[int]:
    times = append_times(
        np.array(recorded, np.int64), np.array(happened, np.int64), previous, wall_ms
    )
    return [int(time) for time in times]


@pytest.mark.parametrize(
    ("recorded", "previous", "right"),
    [
        ([5, 7, 9], NEVER, [5, 7, 9]),
        ([5, 3, 9], NEVER, [5, 5, 9]),  # a producer's clock behind
        ([5, 9_999, 9], NEVER, [5, NOW, NOW]),  # and one ahead
        ([5, 0, -1, 9], NEVER, [5, 5, 5, 9]),
        ([0, 8], 6, [6, 8]),
        ([0, -1, 8], NEVER, [8, 8, 8]),  # no predecessor: it was appended before the next
        ([0, 0], NEVER, [NOW, NOW]),
        ([4], 6, [6]),
    ],
)
def test_a_timestamp_counts_between_its_predecessors_and_now(
    recorded: list[int], previous: int, right: list[int]
) -> None:
    """What lies outside is moved to the nearer end; a missing one is its predecessor's."""
    assert _appended(recorded, [77] * len(recorded), previous, NOW) == right


def test_a_simulated_record_without_timestamp_was_appended_when_it_happened() -> None:
    """Files have no broker: the event's own time stands for it, in order."""
    assert _appended([0, 0, 50, 0], [10, 8, 1, 60], NEVER, None) == [10, 10, 50, 60]


@settings(max_examples=200)
@given(
    st.lists(st.integers(-5, 1_200), min_size=1, max_size=30),
    st.integers(1, NOW),
    st.data(),
)
def test_cuts_do_not_matter(recorded: list[int], previous: int, data: st.DataObject) -> None:
    """The same records in two parts get the same append times."""
    happened = [0] * len(recorded)
    cut = data.draw(st.integers(0, len(recorded)))
    whole = _appended(recorded, happened, previous, NOW)
    first = _appended(recorded[:cut], happened[:cut], previous, NOW)
    second = _appended(recorded[cut:], happened[cut:], [previous, *first][-1], NOW)
    assert first + second == whole
    assert whole == sorted(whole)
    assert previous <= whole[0]
    assert whole[-1] <= max(NOW, previous)
