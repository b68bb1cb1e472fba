"""The command line: exit codes, streams, one clear line for what the user can mend."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.zygote import run

from sentinel.settings import shipped_configs


def _sentinel(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(*arguments, environment=environment)


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    """A copy of the shipped configuration, to be spoilt."""
    return Path(shutil.copytree(shipped_configs(), tmp_path / "configs"))


def test_check_prints_json_on_stdout() -> None:
    """The shipped configuration is right, complete to its runbooks, and counted."""
    done = _sentinel("check", "--json", str(shipped_configs()))
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["findings"]) == (0, [])
    assert summary["rules"] >= 60
    assert summary["features"] >= 30
    assert set(summary["by risk"]) == {"credit", "market", "operational", "liquidity", "legal"}
    assert all(rule["owner"] and rule["source"] for rule in summary["catalogue"])


def test_an_outdated_list_is_a_warning_and_no_failure(configs: Path) -> None:
    """A day that passes breaks no build: the list is named, and the exit code is 0."""
    file = configs / "lists" / "high_risk_countries.yaml"
    file.write_text(file.read_text().replace("dated: 2025-10-24", "dated: 1999-12-31"))
    done = _sentinel("check", "--json", str(configs))
    warning = (
        "lists/high_risk_countries.yaml: dated 1999-12-31, older than its period of 120d: "
        "compare it with its source"
    )
    assert done.returncode == 0
    assert warning in json.loads(done.stdout)["warnings"]
    assert f"warning: {warning}\n" in done.stderr


def test_check_shows_settings_without_their_secrets() -> None:
    """Where variables are set, all settings as a worker would have them; else none."""
    variables = {
        "SENTINEL_SECURITY": "sasl_ssl",
        "SENTINEL_SASL_MECHANISM": "plain",
        "SENTINEL_SASL_USERNAME": "worker",
        "SENTINEL_SASL_PASSWORD": "hush",
    }
    plain, as_json = _sentinel("check", **variables), _sentinel("check", "--json", **variables)
    assert "SENTINEL_SASL_USERNAME=worker\nSENTINEL_SASL_PASSWORD=********\n" in plain.stdout
    settings = json.loads(as_json.stdout)["settings"]
    assert settings["SENTINEL_SASL_PASSWORD"] == "********"
    assert settings["SENTINEL_APP_ID"] == "sentinel"
    assert "hush" not in plain.stdout + plain.stderr + as_json.stdout + as_json.stderr
    assert "SENTINEL_" not in _sentinel("check").stdout


def test_check_names_a_file_that_a_worker_would_miss() -> None:
    """Settings are checked without a broker: one line, exit 1."""
    done = _sentinel("check", SENTINEL_SECURITY="ssl", SENTINEL_TLS_CA_FILE="/no/ca.pem")
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "sentinel: SENTINEL_TLS_CA_FILE: /no/ca.pem: No such file or directory\n",
    )


def test_a_wrong_rule_is_one_line_with_its_place(configs: Path) -> None:
    """File, line, column, complaint and hint; exit 1; no traceback."""
    file = configs / "rules" / "market.yaml"
    text = file.read_text().replace("redeem_sum_24h >= 500000", "redem_sum_24h >= 500000")
    file.write_text(text)
    lines = enumerate(text.splitlines(), 1)
    line, column = next((n, each.find("redem_sum") + 1) for n, each in lines if "redem_sum" in each)
    done = _sentinel("check", str(configs))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f'sentinel: rules/market.yaml:{line}:{column}: unknown name "redem_sum_24h" '
        '(did you mean "redeem_sum_24h"?)\n'
    )


@pytest.mark.parametrize(
    ("name", "encoding", "problem"),
    [
        (
            "rules/credit.yaml",
            "gb18030",
            "1:3: the byte 0xB9 is not UTF-8 (looks like gb18030: save it as UTF-8)",
        ),
        ("routes.yaml", "utf-16", "1:1: UTF-16, not UTF-8 (save it as UTF-8)"),
    ],
)
def test_a_configuration_that_is_not_utf_8_is_one_line(
    configs: Path, name: str, encoding: str, problem: str
) -> None:
    """As some editors save it: the file, the place and what to do."""
    file = configs / name
    file.write_text("# 规则\n" + file.read_text(encoding="utf-8"), encoding=encoding)
    done = _sentinel("check", str(configs))
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        f"sentinel: {name}:{problem}\n",
    )


def test_lint_findings_exit_3(configs: Path) -> None:
    """A rule without tests, source or owner, and what no rule uses, are findings, not errors."""
    file = configs / "rules" / "market.yaml"
    first, _, _ = file.read_text().partition("    tests:")
    lines = first.splitlines(keepends=True)
    file.write_text(
        "".join(line for line in lines if not line.startswith(("    source:", "    owner:")))
    )
    shutil.copy(configs / "lists" / "deny_payees.yaml", configs / "lists" / "spare.yaml")
    done = _sentinel("check", str(configs))
    assert done.returncode == 3
    assert "market.redemption-run: no test in which it fires" in done.stderr
    assert "market.redemption-run: no source of its threshold" in done.stderr
    assert "market.redemption-run: no owner" in done.stderr
    assert "features.yaml: no rule or detector uses fx_sum_month" in done.stderr
    assert "lists/spare.yaml: no rule uses it" in done.stderr


def test_a_failing_rule_test_exits_1(configs: Path) -> None:
    """The failure says what was expected and what happened."""
    file = configs / "rules" / "market.yaml"
    file.write_text(file.read_text().replace("expect: {tier: yellow}", "expect: {tier: red}", 1))
    done = _sentinel("test", str(configs), "--rule", "market.redemption-run")
    assert done.returncode == 1
    assert "expected tier red; it fired 1 times, highest tier yellow" in done.stderr


def test_usage_errors_exit_2() -> None:
    """An unknown option is the usage's fault."""
    assert _sentinel("replay", "--no-such").returncode == 2


def test_a_worker_without_broker_says_so() -> None:
    """One line that names the address and the variable; exit 1."""
    done = _sentinel("worker", SENTINEL_BROKERS="127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("sentinel: no Kafka broker answers at 127.0.0.1:1")
    assert done.stderr.count("\n") == 1


def test_an_unknown_setting_says_so() -> None:
    """A typing mistake in a variable never goes unnoticed."""
    done = _sentinel("worker", SENTINEL_BROKRES="x")
    assert (done.returncode, done.stderr) == (
        1,
        'sentinel: SENTINEL_BROKRES is not a setting (did you mean "SENTINEL_BROKERS"?)\n',
    )


def test_simulate_then_replay(tmp_path: Path) -> None:
    """Same seed, same bytes; the replay raises alerts as JSON lines and sums up."""
    for name in ("a", "b"):
        done = _sentinel(
            "simulate",
            "--customers",
            "60",
            "--days",
            "1",
            "--history-days",
            "8",
            "--attacks-per-day",
            "20",
            "--out",
            str(tmp_path / name),
        )
        assert done.returncode == 0, done.stderr
    events = tmp_path / "a" / "events.jsonl"
    assert events.read_bytes() == (tmp_path / "b" / "events.jsonl").read_bytes()
    assert "scenario" not in events.read_text()
    done = _sentinel("replay", str(events), "--summary-json", str(tmp_path / "summary.json"))
    assert done.returncode == 0, done.stderr
    alerts = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(alerts) > 5
    assert all(alert["type"] == "io.sentinel.alert.v1" for alert in alerts)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert sum(summary["events"].values()) == len(events.read_text().splitlines())
