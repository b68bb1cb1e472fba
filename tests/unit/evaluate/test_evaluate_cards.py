"""The cards protocol: measures, who leaves a test week, and labels that come late."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from sentinel.cli import app
from sentinel.evaluate import cards, measures
from sentinel.evaluate.setup import Setup
from sentinel.evaluate.setup import read as read_setup
from sentinel.model.document import ConfigError
from sentinel.settings import shipped_configs

SETUP = shipped_configs() / "evaluate" / "cards"
DAY_S = 86_400


def _file(folder: Path, days: int, start: str = "2018-07-01") -> Path:
    """Forty cards at ten terminals; every other day's purchases at terminal 3 are fraud."""
    random = np.random.default_rng(1)
    n = 200 * days
    second = np.sort(random.integers(0, days * DAY_S, n))
    terminal, card = random.integers(0, 10, n), random.integers(0, 40, n)
    fraud = (terminal == 3) & (second // DAY_S % 2 == 0)
    table = pa.table(
        {
            "TRANSACTION_ID": np.arange(n),
            "TX_DATETIME": np.datetime64(start, "ns") + second.astype("timedelta64[s]"),
            "CUSTOMER_ID": card,
            "TERMINAL_ID": terminal,
            "TX_AMOUNT": np.where(fraud, 500.0, 40.0) + random.random(n),
            "TX_FRAUD": fraud.astype(np.int64),
        }
    )
    path = folder / "transactions.parquet"
    pq.write_table(table, path)
    return path


def _small(folder: Path) -> Setup:
    """The shipped setup, content with fewer frauds and rows."""
    for name in ("features.yaml", "supervised.yaml"):
        text = (SETUP / name).read_text("utf-8")
        for old, new in (
            ("min_frauds: 200", "min_frauds: 20"),
            ("min_data_in_leaf: 100", "min_data_in_leaf: 10"),
            ("genuine_share: 0.05", "genuine_share: 0.5"),
        ):
            text = text.replace(old, new)
        (folder / name).write_text(text, "utf-8")
    return read_setup(folder)


@pytest.mark.parametrize("seed", range(4))
def test_auc_and_average_precision_are_their_definitions(seed: int) -> None:
    """Against every pair of a fraud and another, and every threshold, with many equal scores."""
    random = np.random.default_rng(seed)
    fraud, score = random.random(300) < 0.1, random.integers(0, 20, 300) / 20
    ours, others = score[fraud][:, None], score[~fraud][None, :]
    pairs = (ours > others).mean() + (ours == others).mean() / 2
    assert measures.auc(fraud, score) == pytest.approx(pairs)
    area, before = 0.0, 0
    for threshold in sorted(set(score), reverse=True):
        flagged = score >= threshold
        found = int(fraud[flagged].sum())
        area += (found - before) / fraud.sum() * found / flagged.sum()
        before = found
    assert measures.average_precision(fraud, score) == pytest.approx(area)


def test_card_precision_takes_found_cards_off_the_next_days() -> None:
    """Two days, the top card each: found once, a compromised card does not count again."""
    day = np.array([0, 0, 0, 1, 1, 1])
    card = np.array([1, 2, 3, 1, 2, 3])
    fraud = np.array([True, False, False, True, False, True])
    score = np.array([0.9, 0.5, 0.1, 0.9, 0.8, 0.7])
    assert measures.card_precision(day, card, fraud, score, top=1) == 0.5
    assert measures.card_precision(day, card, fraud, score, top=2) == pytest.approx(0.5)


def test_known_cards_leave_the_test_week_when_their_label_comes(tmp_path: Path) -> None:
    """A perfect score is perfect, and only events of cards not known to be compromised count."""
    found = cards.read(_file(tmp_path, days=30))
    fold = cards.judge(found, found.fraud.astype(np.float64), "2018-07-22")
    assert (fold.auc, fold.ap) == (1.0, 1.0)
    kept = cards.Cards(found.events, np.arange(len(found.card)), found.fraud)
    assert cards.judge(kept, found.fraud.astype(np.float64), "2018-07-22").cp100 > fold.cp100


def test_a_label_is_not_known_before_it_is_due(tmp_path: Path) -> None:
    """Frauds of the last seven days change no score: they might as well be genuine."""
    found, setup = cards.read(_file(tmp_path, days=40)), _small(tmp_path)
    last = found.day >= found.day.max() - 6
    blind = cards.Cards(found.events, found.card, found.fraud & ~last)
    seen, unseen = cards.run(found, setup), cards.run(blind, setup)
    assert seen.models > 0
    np.testing.assert_array_equal(seen.scores, unseen.scores)


def test_the_terminal_of_known_frauds_scores_higher(tmp_path: Path) -> None:
    """What is learnt from late labels tells frauds from the rest."""
    found = cards.read(_file(tmp_path, days=60))
    ran = cards.run(found, _small(tmp_path))
    late = found.day > found.day.max() - 14
    assert measures.auc(found.fraud[late], ran.scores[late]) > 0.95
    assert ran.lost == 0


def test_steps_and_cuts_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fed in steps of any size, the scores are the same bytes."""
    found, setup = cards.read(_file(tmp_path, days=40)), _small(tmp_path)
    whole = cards.run(found, setup).scores
    monkeypatch.setattr(cards, "_STEP_ROWS", 777)
    np.testing.assert_array_equal(cards.run(found, setup).scores, whole)


def test_the_verb_prints_the_published_rows_beside_ours(tmp_path: Path) -> None:
    """JSON with mean and folds, and a table; the folder may be given for the file."""
    _file(tmp_path, days=70)
    ran = CliRunner().invoke(app, ["evaluate", "cards", "--data", str(tmp_path), "--json"])
    assert ran.exit_code == 0, ran.output
    shown = json.loads(ran.stdout)
    assert shown["mean"].keys() == {"auc", "ap", "cp100"}
    assert [fold["start"] for fold in shown["folds"]] == list(cards.FOLDS)
    assert shown["mean"]["auc"] == pytest.approx(np.mean([fold["auc"] for fold in shown["folds"]]))
    table = CliRunner().invoke(app, ["evaluate", "cards", "--data", str(tmp_path)])
    assert "balanced bagging                    0.879  0.680               0.305" in table.stdout


def test_without_a_model_there_is_no_figure(tmp_path: Path) -> None:
    """Too few frauds are known before the first test week: that is said, not scored."""
    path = _file(tmp_path, days=40, start="2018-08-01")
    ran = CliRunner().invoke(app, ["evaluate", "cards", "--data", str(path)])
    assert ran.exit_code == 1


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A clear line, no trace."""
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    ran = CliRunner().invoke(app, ["evaluate", "cards", "--data", str(path)])
    assert ran.exit_code == 1
    ran = CliRunner().invoke(app, ["evaluate", "cards", "--data", str(tmp_path / "none.parquet")])
    assert ran.exit_code == 1


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("by: merchant_id", "by: merchant", 'no id "merchant"'),
        ("evidence: amount_ratio", "evidence: amount_z", ""),
        ("evidence: amount_ratio", "evidence: nothing", 'no number "nothing"'),
        ("{run: true}", "{run: true, share: true}", "a measure asks one thing"),
        ("{share: true, window: 7d}", "{share: true}", "share needs a window"),
        ("{since_last: true}", "{since_last: true, window: 7d}", "since_last takes no window"),
        ("delay: 7d", "delay: soon", "soon"),
        ("refit: 3d", "refit: often", "often"),
        ("    - txn_count_1d\n", "    - txn_count_2d\n", 'no number "txn_count_2d"'),
        ("    - txn_count_1d\n", "    - amount\n", '"amount" stands there twice'),
        ("[amount, amount_mean_90d]", "[amount, mean]", 'no number "mean"'),
    ],
)
def test_a_bad_setup_is_refused_at_its_place(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    """Errors of supervised.yaml name the line."""
    for name in ("features.yaml", "supervised.yaml"):
        text = (SETUP / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace(old, new, 1), "utf-8")
    if not complaint:
        assert read_setup(tmp_path).feedback.entry.risk.evidence == "amount_z"
        return
    with pytest.raises(ConfigError) as caught:
        read_setup(tmp_path)
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("supervised.yaml:")
