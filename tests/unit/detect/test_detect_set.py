"""The set of detectors: columns in, columns out."""

from collections.abc import Mapping

import numpy as np
import pytest

from sentinel.detect import DetectorSet, load
from sentinel.model.columns import FALSE, FIELDS, TRUE, UNKNOWN, Array, Column, Kind, Rows
from sentinel.model.document import parse
from sentinel.model.events import Event, Login, Stream

TEXT = """
detectors:
  - {id: place, kind: half_space_trees, on: login, window: 50, seed: 1,
     features: {lat: [0, 1], lon: [0, 1]}, calibration: {warm_up: 10}}
  - {id: sure, kind: half_space_trees, on: login, window: 50, seed: 1,
     features: {lat: [0, 1], success: [0, 1]}, calibration: {warm_up: 10}}
  - {id: money, kind: half_space_trees, on: transaction, window: 50, seed: 1,
     features: {amount: {range: [0, 1e6], log: true}}}
"""
EVENT: Event = Login(event_id="e", event_time=0, customer_id="c", kind="login", success=True)


def detectors(schema: Mapping[Stream, Mapping[str, Column]] = FIELDS) -> DetectorSet:
    """The three detectors of ``TEXT``."""
    return load(parse(TEXT, "detectors.yaml"), schema)


def logins(n: int) -> Rows:
    """Login rows with every column that the detectors read."""
    random = np.random.default_rng(1)
    columns: dict[str, Array] = {
        "lat": random.normal(0.4, 0.1, n),
        "lon": random.normal(0.4, 0.1, n),
        "success": random.choice(np.array([FALSE, UNKNOWN, TRUE]), n),
    }
    index = np.arange(n)
    return Rows(Stream.LOGIN, [EVENT] * n, index, index, columns)


def test_columns_and_demand_by_stream() -> None:
    """Every stream is there; a detector adds a score and a share to its own."""
    one = detectors()
    assert one.demand == {
        Stream.TRANSACTION: {"amount"},
        Stream.LOGIN: {"lat", "lon", "success"},
        Stream.COMPLAINT: frozenset(),
    }
    assert one.columns[Stream.TRANSACTION] == {
        "money_score": Column("money_score", Kind.NUMBER),
        "money_p": Column("money_p", Kind.NUMBER, unit="share"),
    }
    assert not one.columns[Stream.COMPLAINT]


def test_p_starts_after_the_window_and_the_warm_up() -> None:
    """The first window has no score, the next ten scores no p-value."""
    rows = logins(100)
    detectors().score(rows)
    assert np.flatnonzero(~np.isnan(rows.columns["place_score"]))[0] == 50
    assert np.flatnonzero(~np.isnan(rows.columns["place_p"]))[0] == 60


def test_truths_count_as_none_half_and_one() -> None:
    """A truth column scores as the numbers 0, 0.5 and 1 would."""
    rows, same = logins(200), logins(200)
    same.columns["success"] = same.columns["success"].astype(np.float64) / 2
    numbers = {**FIELDS[Stream.LOGIN], "success": Column("success", Kind.NUMBER)}
    detectors().score(rows)
    detectors({**FIELDS, Stream.LOGIN: numbers}).score(same)
    assert rows.columns["sure_score"].tobytes() == same.columns["sure_score"].tobytes()


def test_a_narrowed_set_scores_only_what_is_demanded() -> None:
    """One column in demand keeps its detector whole; the others neither read nor run."""
    one = detectors().narrowed({Stream.LOGIN: frozenset({"sure_p", "lat"})})
    rows = logins(80)
    one.score(rows)
    assert set(rows.columns) == {"lat", "lon", "success", "sure_score", "sure_p"}
    assert one.demand[Stream.LOGIN] == {"lat", "success"}
    assert not one.demand[Stream.TRANSACTION]
    other = detectors().narrowed({Stream.LOGIN: frozenset({"sure_score"})})
    other.restore(one.snapshot())
    assert other.snapshot() == one.snapshot()


def test_a_snapshot_of_other_detectors_is_refused() -> None:
    """A detector that the snapshot does not know is an error, not a fresh start."""
    narrow = detectors().narrowed({Stream.LOGIN: frozenset({"sure_p"})})
    with pytest.raises(KeyError, match="money"):
        detectors().restore(narrow.snapshot())
