"""Append times: ascending, never ahead of now, and known for every record."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.ingest.append_time import AHEAD_MS, NEVER, WITNESSES, append_times

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


FAR = 10 * AHEAD_MS


@pytest.mark.parametrize("forged", [1, 2, WITNESSES // 2])
@pytest.mark.parametrize("index", [0, 40, 99])
def test_one_producer_cannot_move_time_ahead_of_the_others(forged: int, index: int) -> None:
    """Timestamps of now among those of hours ago are taken for what follows; the others stay."""
    honest = list(range(1, 101))
    recorded = [*honest[: index + 1], *[FAR] * forged, *honest[index + 1 :]]
    found = append_times(np.array(recorded), np.zeros(len(recorded), np.int64), NEVER, FAR)
    others = [*found[: index + 1], *found[index + 1 + forged :]]
    if index < 99:
        assert max(found) <= 100
        assert others == honest
    else:  # nothing follows: they are the newest
        assert found[-1] == FAR
        assert others == honest


def test_nor_within_a_step_that_ends_soon() -> None:
    """What is judged is what was said, not what is left of it by the end of the step."""
    recorded = [1, FAR, 2, 3, 4, 5]
    assert _appended(recorded, [0] * 6, NEVER, AHEAD_MS // 2) == [1, 1, 2, 3, 4, 5]


def test_a_gap_is_none_of_that() -> None:
    """After a quiet night the first record is hours after its predecessor, as all after it are."""
    recorded = [1, 2, FAR, FAR + 1, FAR + 2]
    assert _appended(recorded, [0] * 5, NEVER, 2 * FAR) == recorded


def _naive(recorded: list[int], until_ms: int) -> list[int]:
    """One record after the other."""
    told = [each if each > 0 else None for each in recorded]
    found: list[int | None] = []
    for index, mine in enumerate(told):
        after = [each for each in told[index + 1 :] if each is not None][:WITNESSES]
        median = sorted(after)[(len(after) - 1) // 2] if after else None
        ahead = mine is not None and median is not None and mine > median + AHEAD_MS
        believed = None if ahead or mine is None else min(mine, until_ms)
        before = next((each for each in reversed(found) if each is not None), None)
        found.append(max((each for each in (believed, before) if each is not None), default=None))
    first = next((each for each in found if each is not None), until_ms)
    return [first if each is None else each for each in found]


@settings(max_examples=200)
@given(
    st.lists(
        st.one_of(st.integers(-1, 9), st.integers(0, 5).map(lambda n: n * AHEAD_MS + n)),
        min_size=1,
        max_size=90,
    )
)
def test_as_a_naive_reading_has_it(recorded: list[int]) -> None:
    """Each timestamp against those that follow it."""
    until_ms = 4 * AHEAD_MS
    assert _appended(recorded, [0] * len(recorded), NEVER, until_ms) == _naive(recorded, until_ms)
