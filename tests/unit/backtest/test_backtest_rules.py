"""Configurations to try: one file replaced, one number changed."""

from pathlib import Path

import pytest

from sentinel.backtest import RuleError, configuration_files, varied
from sentinel.engine import Configuration

FILES = {
    "rules/one.yaml": """\
# what a risk engineer wrote
rules:
  - id: spent
    when: 'direction == "debit" && amount_z > 3'
  - id: between
    when: amount_z > 3 && hour < 6
  - id: drain
    sequence:
      steps:
        - {on: login, when: success}
        - {on: transaction, when: "amount >= 1_000.5"}
"""
}


@pytest.mark.parametrize(
    ("rule", "name", "becomes"),
    [
        ("spent", None, 'direction == "debit" && amount_z > 4.5'),
        ("between", "hour", "amount_z > 3 && hour < 4.5"),
        ("drain", "amount", '"amount >= 4.5"'),
    ],
)
def test_one_number_is_changed(rule: str, name: str | None, becomes: str) -> None:
    """In a condition or a step; comments and all else stay."""
    text = varied(FILES, rule, name, 4.5)["rules/one.yaml"]
    assert becomes in text
    assert text.startswith("# what a risk engineer wrote")
    assert FILES["rules/one.yaml"].count("4.5") == 0


@pytest.mark.parametrize(
    ("rule", "name", "says"),
    [
        ("spend", None, 'no rule "spend".*spent'),
        ("between", None, "2 times, not once; name one of amount_z, hour"),
        ("spent", "amount", "0 times"),
    ],
)
def test_what_cannot_be_varied_is_said(rule: str, name: str | None, says: str) -> None:
    """An unknown rule, several numbers, none."""
    with pytest.raises(RuleError, match=says):
        varied(FILES, rule, name, 1.0)


def test_every_shipped_rule_with_one_number_can_be_varied() -> None:
    """The changed files are a valid configuration."""
    files = configuration_files(None)
    changed = varied(files, "card.declines", None, 5)
    assert Configuration.parse(changed).version != Configuration.parse(files).version


def test_a_file_replaces_the_shipped_one(tmp_path: Path) -> None:
    """By its name; a new name is added."""
    file = tmp_path / "credit.yaml"
    file.write_text("rules: []\n")
    shipped = configuration_files(None)
    files = configuration_files(file)
    assert files.keys() == shipped.keys()
    assert files["rules/credit.yaml"] == "rules: []\n"
