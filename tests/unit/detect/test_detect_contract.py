"""What every kind of detector promises, checked on each through detectors.yaml.

To add a kind, add its entry to ``KINDS``: every check below then runs on it.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sentinel.detect import DetectorSet, load
from sentinel.model.columns import FIELDS, Array, Column, Kind, Rows
from sentinel.model.document import parse
from sentinel.model.events import Event, Stream, Transaction

KINDS = {
    "half_space_trees": "kind: half_space_trees, n_trees: 10, height: 6, window: 100, seed: 7",
    "river HalfSpaceTrees": (
        "kind: river, model: anomaly.HalfSpaceTrees,"
        " params: {n_trees: 3, height: 6, window_size: 50, seed: 7}"
    ),
    "river OneClassSVM": "kind: river, model: anomaly.OneClassSVM, params: {nu: 0.1}",
    "river LODA": "kind: river, model: anomaly.LODA, params: {n_random_cuts: 5, seed: 7}",
}
SEEDED = [name for name, kind in KINDS.items() if "seed" in kind]
FEATURES = "{lat: [0, 1], lon: [0, 1], limit_used: [0, 1], seldom: [0, 1]}"
NUMBERS = ("lat", "lon", "limit_used")
EVENT: Event = Transaction(  # detectors read columns only
    event_id="e", event_time=0, customer_id="c", kind="card", direction="debit", amount=1.0
)
SCHEMA = {
    **FIELDS,
    Stream.TRANSACTION: {
        **FIELDS[Stream.TRANSACTION],
        "seldom": Column("seldom", Kind.TRUTH),
    },
}

every_kind = pytest.mark.parametrize("kind", KINDS)


def make(kind: str) -> DetectorSet:
    """One detector ``d`` on transactions, calibrated after 20 scores."""
    text = (
        f"detectors:\n  - {{id: d, on: transaction, {KINDS[kind]}, features: {FEATURES},"
        " calibration: {half_life_events: 500, warm_up: 20}}"
    )
    return load(parse(text, "detectors.yaml"), SCHEMA)


def events(n: int, seed: int = 1, missing: float = 0.0) -> dict[str, Array]:
    """Columns of ``n`` ordinary events; a share ``missing`` of the numbers is."""
    random = np.random.default_rng(seed)
    columns: dict[str, Array] = {}
    for name in NUMBERS:
        values = np.clip(random.normal(0.4, 0.05, n), 0, 1)
        values[random.random(n) < missing] = np.nan
        columns[name] = values
    columns["seldom"] = random.choice(np.array([0, 1, 2], np.int8), n, p=[0.9, 0.05, 0.05])
    return columns


def run(
    detectors: DetectorSet, columns: dict[str, Array], cuts: Sequence[int] = ()
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores and p-values of the events, taken in as many batches as ``cuts`` makes."""
    n = len(columns["lat"])
    ends = [0, *sorted(cuts), n]
    scores, p_values = [], []
    for start, end in pairwise(ends):
        part: dict[str, Array] = {name: column[start:end] for name, column in columns.items()}
        index = np.arange(start, end)
        rows = Rows(Stream.TRANSACTION, [EVENT] * len(index), index, index, part)
        detectors.score(rows)
        assert len(rows.columns["d_score"]) == end - start
        scores.append(rows.columns["d_score"])
        p_values.append(rows.columns["d_p"])
    return np.concatenate(scores), np.concatenate(p_values)


@every_kind
@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=8))
def test_cuts_change_no_byte(kind: str, cuts: list[int]) -> None:
    """However the events are cut into batches, empty ones too, the bytes are the same."""
    columns = events(300, missing=0.1)
    whole, cut = make(kind), make(kind)
    expected, seen = run(whole, columns), run(cut, columns, cuts)
    assert [each.tobytes() for each in seen] == [each.tobytes() for each in expected]
    assert cut.snapshot() == whole.snapshot()


@every_kind
def test_a_restored_detector_goes_on_as_if_never_stopped(kind: str) -> None:
    """Scores, p-values and the next snapshot are byte for byte those of one run."""
    columns = events(400, missing=0.1)
    first: dict[str, Array] = {name: column[:230] for name, column in columns.items()}
    rest: dict[str, Array] = {name: column[230:] for name, column in columns.items()}
    steady, before, after = make(kind), make(kind), make(kind)
    run(steady, first)
    run(before, first)
    run(after, events(77, seed=5))  # what it knew must not matter
    after.restore(before.snapshot())
    assert after.snapshot() == steady.snapshot()
    expected, seen = run(steady, rest), run(after, rest)
    assert [each.tobytes() for each in seen] == [each.tobytes() for each in expected]
    assert after.snapshot() == steady.snapshot()


@every_kind
def test_the_same_configuration_gives_the_same_scores(kind: str) -> None:
    """Two detectors of one configuration agree on every byte."""
    columns = events(300)
    assert run(make(kind), columns)[0].tobytes() == run(make(kind), columns)[0].tobytes()


@pytest.mark.parametrize("kind", SEEDED)
def test_another_seed_gives_other_scores(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed is used."""
    columns = events(300)
    one, _ = run(make(kind), columns)
    monkeypatch.setitem(KINDS, kind, KINDS[kind].replace("seed: 7", "seed: 8"))
    other, _ = run(make(kind), columns)
    assert not np.array_equal(one, other, equal_nan=True)


@every_kind
def test_the_first_score_is_the_same_for_any_event(kind: str) -> None:
    """Scored before it is learnt, the first event meets a model that knows nothing."""
    usual, strange = events(1), events(1)
    for name in NUMBERS:
        strange[name][0] = 1.0
    assert run(make(kind), usual)[0].tobytes() == run(make(kind), strange)[0].tobytes()


@every_kind
def test_a_score_knows_nothing_of_later_events(kind: str) -> None:
    """What comes after an event changes neither its score nor its p-value."""
    columns = events(260)
    changed = {name: column.copy() for name, column in columns.items()}
    changed["lat"][200:] = 1.0
    expected, seen = run(make(kind), columns), run(make(kind), changed)
    assert [each[:200].tobytes() for each in seen] == [each[:200].tobytes() for each in expected]
    assert expected[0][200] != seen[0][200]


@every_kind
def test_memory_does_not_grow(kind: str) -> None:
    """After the first windows, 20,000 more events add less than a twentieth to the state."""
    detectors = make(kind)
    run(detectors, events(1_000))
    before = len(detectors.snapshot())
    run(detectors, events(20_000, seed=2))
    assert len(detectors.snapshot()) < 1.05 * before


@every_kind
def test_missing_values_still_give_scores(kind: str) -> None:
    """Even an event of which nothing is known has a finite score and p-value."""
    columns = events(400, missing=0.5)
    for name in NUMBERS:
        columns[name][300:310] = np.nan
    columns["seldom"][300:310] = 1
    scores, p_values = run(make(kind), columns)
    assert np.isfinite(scores[200:]).all()
    assert ((p_values[200:] > 0) & (p_values[200:] <= 1)).all()


@every_kind
def test_values_beyond_the_range_still_give_scores(kind: str) -> None:
    """Infinities and values far outside the range are scored."""
    columns = events(400)
    columns["lat"][300:303] = [np.inf, -np.inf, 1e300]
    scores, _ = run(make(kind), columns)
    assert np.isfinite(scores[200:]).all()


@every_kind
def test_no_rows_give_empty_columns(kind: str) -> None:
    """A step without events of the stream adds empty columns and learns nothing."""
    detectors = make(kind)
    before = detectors.snapshot()
    scores, p_values = run(detectors, events(0))
    assert len(scores) == len(p_values) == 0
    assert detectors.snapshot() == before


@every_kind
def test_planted_outliers_rank_high(kind: str) -> None:
    """On an easy set the area under the ROC curve is above 0.9, by score and by p-value."""
    n, planted = 1_500, np.arange(500, 1_500, 50)
    columns = events(n)
    for name in NUMBERS:
        columns[name][planted] = 0.95
    columns["seldom"][planted] = 2
    scores, p_values = run(make(kind), columns)
    strange = np.isin(np.arange(n), planted)
    assert area(scores[500:], strange[500:]) > 0.9
    assert area(-p_values[500:], strange[500:]) > 0.9


def area(values: NDArray[np.float64], strange: NDArray[np.bool_]) -> float:
    """The chance that a strange event's value is above an ordinary one's; a draw is half."""
    ours, others = values[strange][:, None], values[~strange][None, :]
    return float(((ours > others) + 0.5 * (ours == others)).mean())
