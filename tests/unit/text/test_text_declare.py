"""Reading text.yaml: the shipped one is right, wrong ones say where and why."""

from pathlib import Path

import pytest
from tests.unit.text.shipped import DECLARATION

from sentinel.model.document import ConfigError, parse
from sentinel.text import declare

BAD = Path(__file__).parent / "bad"


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_file_is_refused_with_its_message(path: Path) -> None:
    """Each file in ``bad/`` opens with the exact message that it must cause."""
    text = path.read_text(encoding="utf-8")
    expected = text.splitlines()[0].removeprefix("# ")
    with pytest.raises(ConfigError) as caught:
        declare(parse(text, path.name))
    assert str(caught.value) == expected


def test_there_are_bad_files() -> None:
    """The test above would pass on an empty folder."""
    assert len(list(BAD.glob("*.yaml"))) >= 15


def test_the_shipped_lexicon_has_what_a_complaints_desk_watches() -> None:
    """The columns of every intent are there, by name."""
    assert {
        "complaint_intent",
        "complaint_severity",
        "complaint_says_fraud",
        "complaint_says_self_harm",
        "complaint_says_regulator_threat",
        "complaint_says_discrimination",
        "complaint_says_collector_harassment",
        "complaint_product_predicted",
        "complaint_near_duplicates",
        "complaint_topic_rise",
    } <= DECLARATION.columns.keys()
