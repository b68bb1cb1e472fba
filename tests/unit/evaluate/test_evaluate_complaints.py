"""The figures of complaints, on a small file of our own."""

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from sentinel.cli import app
from sentinel.evaluate.complaints import DataError, evaluate, read_narratives

SENTENCES = {
    "card": ("the card was declined at the terminal", "a merchant charged my card again"),
    "loan": ("the lender took the instalment twice", "my arrears were paid and interest goes on"),
}


def _file(folder: Path, n: int = 40) -> Path:
    """Complaints of two products in turn, in words that tell them."""
    path = folder / "narratives.csv"
    lines = [
        f"{i},{product},{SENTENCES[product][i // 2 % 2]}"
        for i, product in enumerate(["card", "loan"] * (n // 2))
    ]
    path.write_text("\n".join(["id,product,narrative", *lines]), encoding="utf-8")
    return path


def test_the_last_half_is_counted(tmp_path: Path) -> None:
    """What is easy to tell is told right, per product and in every fold."""
    report = evaluate(read_narratives(_file(tmp_path)))
    assert (report.complaints, report.scored, report.accuracy) == (40, 20, 1.0)
    assert report.folds == [1.0] * 5
    assert report.products["card"].recall == 1.0
    assert report.confusion == {"card": {"card": 10}, "loan": {"loan": 10}}


def test_the_verb_prints_json_and_a_table(tmp_path: Path) -> None:
    """The same figures either way."""
    data = str(_file(tmp_path))
    as_json = CliRunner().invoke(app, ["evaluate", "complaints", "--data", data, "--json"])
    shown, report = json.loads(as_json.stdout), evaluate(read_narratives(Path(data)))
    assert shown["mean"] == {"accuracy": 1.0}
    assert shown["folds"] == [shown["mean"]]
    assert shown["shuffled"]["folds"] == report.folds
    assert shown["products"] == msgspec.to_builtins(report.products)
    table = CliRunner().invoke(app, ["evaluate", "complaints", "--data", data])
    assert "accuracy, file order   1.000" in table.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,words\n1,hello\n", "needs the columns product and narrative"),
        ("id,product,narrative\n1,card,hello\n", "needs complaints about two products"),
        ("", "needs the columns"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """It says what is missing, in one line."""
    path = tmp_path / "other.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_narratives(path)
    result = CliRunner().invoke(app, ["evaluate", "complaints", "--data", str(path)])
    assert result.exit_code == 1
