"""What detectors.yaml may say, and what is said about what it may not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from sentinel.detect import load
from sentinel.features import declare
from sentinel.model.columns import FIELDS, Column, Kind
from sentinel.model.document import ConfigError, parse
from sentinel.model.events import Stream

CONFIGS = Path(__file__).parents[3] / "configs"
BAD = Path(__file__).parent / "bad"

EXTRA = (Column("amount_z", Kind.NUMBER), Column("risk_p", Kind.NUMBER))
SCHEMA: Mapping[Stream, Mapping[str, Column]] = {
    stream: {**fields, **{column.name: column for column in EXTRA}}
    for stream, fields in FIELDS.items()
}


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_detector_is_refused_with_its_message(path: Path) -> None:
    """Each file in ``bad/`` opens with the exact message that it must cause."""
    text = path.read_text(encoding="utf-8")
    expected = text.splitlines()[0].removeprefix("# ")
    with pytest.raises(ConfigError) as caught:
        load(parse(text, path.name), SCHEMA)
    assert str(caught.value) == expected


def test_there_are_bad_detectors() -> None:
    """The test above would pass on an empty folder."""
    assert len(list(BAD.glob("*.yaml"))) >= 20


def test_too_many_detectors_are_refused() -> None:
    """A configuration holds a bounded number of detectors."""
    one = "  - {id: t%d, kind: half_space_trees, on: login, seed: 1, features: {lat: [0, 1]}}\n"
    text = "detectors:\n" + "".join(one % i for i in range(33))
    with pytest.raises(ConfigError, match="more than 32 detectors"):
        load(parse(text, "detectors.yaml"), FIELDS)


def test_the_shipped_detectors_fit_the_shipped_features() -> None:
    """Both load, and read no complaint column."""
    text = (CONFIGS / "features.yaml").read_text(encoding="utf-8")
    features = {each.name: each.column for each in declare(parse(text, "features.yaml")).features}
    schema = {stream: {**fields, **features} for stream, fields in FIELDS.items()}
    text = (CONFIGS / "detectors.yaml").read_text(encoding="utf-8")
    shipped = load(parse(text, "detectors.yaml"), schema)
    assert {stream: list(columns) for stream, columns in shipped.columns.items()} == {
        Stream.TRANSACTION: ["trees_score", "trees_p"],
        Stream.LOGIN: ["login_trees_score", "login_trees_p"],
        Stream.COMPLAINT: [],
    }
    assert "amount_z" in shipped.demand[Stream.TRANSACTION]
    assert "success" in shipped.demand[Stream.LOGIN]
    assert not shipped.demand[Stream.COMPLAINT]
