"""Rule files: what is wrong is refused at its line and column, with a hint."""

from pathlib import Path

import pytest

from sentinel.model.columns import FIELDS
from sentinel.model.document import ConfigError, parse
from sentinel.rules import load

BAD = Path(__file__).parent / "bad"


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_rule_file_is_refused_with_its_message(path: Path) -> None:
    """Each file in ``bad/`` opens with the exact message that it must cause."""
    text = path.read_text(encoding="utf-8")
    expected = text.splitlines()[0].removeprefix("# ")
    with pytest.raises(ConfigError) as caught:
        load([parse(text, path.name)], FIELDS, {})
    assert str(caught.value) == expected


def test_there_are_bad_rule_files() -> None:
    """The test above would pass on an empty folder."""
    assert len(list(BAD.glob("*.yaml"))) >= 15
