"""Our own scenarios: a small bank, judged on the shipped configuration."""

from pathlib import Path

import pytest

from sentinel.evaluate.scenarios import Bank, document, evaluate, evaluate_bank, write
from sentinel.settings import read_configuration

SMALL = Bank(seed=5, customers=300, history_days=10, days=2, attacks_per_day=20)


def test_the_shipped_rules_find_the_scenarios() -> None:
    """Nearly all, soon after they can be decided; and the document has what CI reads."""
    found = document(evaluate_bank(read_configuration(None), SMALL))
    assert found["mean"]["recall"] >= 0.95
    assert found["mean"]["median_events_behind"] <= 2
    assert {fold["scenario"] for fold in found["folds"]} >= {"account_takeover", "mule_account"}
    assert sum(fold["cases"] for fold in found["folds"]) >= 20


def test_a_folder_gives_what_its_bank_gives(tmp_path: Path) -> None:
    """Data from files and from the seed are the same data."""
    write(SMALL, tmp_path)
    configuration = read_configuration(None)
    from_files = evaluate(configuration, tmp_path, 10 * 86_400_000)
    assert document(from_files) == document(evaluate_bank(configuration, SMALL))


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    """Nothing can be judged without them."""
    with pytest.raises(FileNotFoundError, match="labels"):
        evaluate(read_configuration(None), tmp_path, 0)
