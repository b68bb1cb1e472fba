"""``sentinel backtest`` and ``sentinel rules what-if`` on simulated, labelled days."""

import json
import re
from pathlib import Path

import pytest
from tests.zygote import run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of events.jsonl and labels.jsonl."""
    folder = tmp_path_factory.mktemp("days")
    made = run(
        "simulate", "--customers", 200, "--days", 2, "--attacks-per-day", 20, "--out", folder
    )
    assert made.returncode == 0, made.stderr
    return folder


def test_a_stricter_rule_loses_alerts(data: Path, tmp_path: Path) -> None:
    """JSON for CI: both configurations' figures, what is gained and lost; and a whole page."""
    shipped = Path(__file__).parents[3] / "configs" / "rules" / "operational.yaml"
    page = tmp_path / "report.html"
    done = run(
        *("backtest", data / "events.jsonl", "--labels", data / "labels.jsonl", "--json"),
        *("--rules", _without_operational(tmp_path), "--against", shipped.parents[1]),
        *("--html", page, "--warm-up", "1h"),
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    old, new = figures["old"], figures["new"]
    assert old["recall"] > 0.9 > new["recall"]
    assert sum(figures["changes"]["lost"].values()) > 0
    assert "card.testing" in old["rules"].keys() - new["rules"].keys()
    assert set(old["scenarios"]) >= {"account_takeover", "card_testing", "mule_account"}
    text = page.read_text("utf-8")
    assert text.count("<svg") == 2
    assert "回测" in text
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"|"http://www.w3.org[^"]*"', "", text)


def _without_operational(folder: Path) -> Path:
    file = folder / "without" / "operational.yaml"
    file.parent.mkdir()
    file.write_text("rules: []\n")
    return file


def test_a_higher_threshold_fires_less(data: Path) -> None:
    """One row for each value, signals falling."""
    done = run(
        *("rules", "what-if", "mule.fan-in", data / "events.jsonl", "--json"),
        *("--vary", "senders_24h", "--values", "2,5,1000", "--labels", data / "labels.jsonl"),
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["value"] for row in rows] == [2, 5, 1000]
    signals = [row["rules"].get("mule.fan-in", {"signals": 0})["signals"] for row in rows]
    assert signals[0] >= signals[1] > signals[2] == 0
    assert rows[0]["cases"]["detected"] > 0 == rows[2]["cases"]["detected"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rules", "what-if", "no.such", "DATA", "--values", "1"), 'no rule "no.such"'),
        (("backtest", "-"), "standard input"),
        (("backtest", "DATA", "--labels", "/nowhere.jsonl"), "/nowhere.jsonl"),
    ],
)
def test_errors_are_one_line(data: Path, arguments: tuple[str, ...], says: str) -> None:
    """Exit code 1 and what to mend."""
    given = [str(data / "events.jsonl") if word == "DATA" else word for word in arguments]
    done = run(*given)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sentinel: ")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
