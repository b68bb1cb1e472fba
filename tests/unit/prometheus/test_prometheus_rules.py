"""Prometheus' and Alertmanager's own tools on the shipped files."""

import re
import subprocess
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "configs" / "prometheus"


def _says(*command: str) -> str:
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_configuration_and_the_rules_are_valid() -> None:
    """Promtool finds nothing wrong, lint included."""
    _says("promtool", "check", "config", "--syntax-only", "prometheus.yml")
    _says("promtool", "check", "rules", "--lint-fatal", *map(str, FOLDER.glob("rules/*.yml")))


def test_every_alert_fires_and_keeps_quiet() -> None:
    """Promtool's rule tests pass, and no alert is without one that fires."""
    _says("promtool", "test", "rules", *map(str, FOLDER.glob("tests/*.yml")))
    load = YAML(typ="safe").load
    rules = load((FOLDER / "rules" / "alerting.yml").read_text("utf-8"))["groups"][0]["rules"]
    tests = load((FOLDER / "tests" / "alerting_test.yml").read_text("utf-8"))["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in rules}


def test_every_alert_has_a_runbook_section() -> None:
    """The runbook link of an alert leads to a heading of docs/operations.md."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    headings = {
        re.sub(r"[^a-z0-9]+", "-", line.lstrip("# ").lower()).strip("-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    links = re.findall(
        r"docs/operations\.md#(\S+)", (FOLDER / "rules" / "alerting.yml").read_text("utf-8")
    )
    assert links
    assert set(links) <= headings


def test_alertmanagers_configuration_is_valid() -> None:
    """Amtool finds nothing wrong."""
    _says("amtool", "check-config", str(ROOT / "configs" / "alertmanager" / "alertmanager.yml"))
