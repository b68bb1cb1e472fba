"""Whether the shipped alarms would have fired: promtool plays what Prometheus would have read."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.pages.ledger import Verdict
from tests.pages.world import SAMPLE_MS, Outcome

_RULES = Path(__file__).parents[2] / "configs" / "prometheus" / "rules"
_UP = 'up{job="pager"}'
_PAGERS = "SentinelPag.*|SentinelRedPage.*|SentinelAlertsNotPaged|SentinelChannelThrottled"
_FIRING = f'count(ALERTS{{alertname=~"{_PAGERS}",alertstate="firing"}}) or vector(0)'
_TIMEOUT_S = 120


def _series(outcome: Outcome) -> list[dict[str, str]]:
    """Every series of a run, in promtool's notation: ``_`` is a sample that is not there."""
    names = {name for _, values in outcome.samples if values for name in values}
    up = {"series": _UP, "values": " ".join(str(int(v is not None)) for _, v in outcome.samples)}
    return [up] + [
        {
            "series": name,
            "values": " ".join(
                "_" if values is None or name not in values else f"{values[name]:g}"
                for _, values in outcome.samples
            ),
        }
        for name in sorted(names)
        if "_due_page" in name or "_pages_total" in name or "_failures_total" in name
    ]


def unalarmed(runs: Sequence[tuple[Outcome, Verdict]]) -> list[str]:
    """What promtool says against: an alarm where one must fire, and none where all is calm.

    Each moment is looked at after the next scrape.
    """
    tests = []
    for outcome, verdict in runs:
        if verdict.alarm_ms is not None:
            moments = [verdict.alarm_ms + SAMPLE_MS]
        elif verdict.is_calm:
            moments = list(range(0, outcome.samples[-1][0], 6 * SAMPLE_MS))
        else:
            continue
        tests.append(
            {
                "interval": f"{SAMPLE_MS}ms",
                "input_series": _series(outcome),
                "promql_expr_test": [
                    {
                        "expr": f"({_FIRING}) > bool 0",
                        "eval_time": f"{moment}ms",
                        "exp_samples": [{"labels": "{}", "value": int(not verdict.is_calm)}],
                    }
                    for moment in moments
                ],
            }
        )
    program = shutil.which("promtool")
    assert program, "run make setup-system"
    rules = [str(_RULES / "recording.yml"), str(_RULES / "alerting.yml")]
    whole = {"rule_files": rules, "evaluation_interval": f"{SAMPLE_MS}ms", "tests": tests}
    with tempfile.TemporaryDirectory(prefix="sentinel-alarms-") as folder:
        file = Path(folder) / "alarms.yml"  # JSON is YAML
        file.write_text(json.dumps(whole), "utf-8")
        done = subprocess.run(
            [program, "test", "rules", str(file)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    if done.returncode == 0:
        return []
    lines = (done.stdout + done.stderr).splitlines()
    return [line.strip() for line in lines if line.lstrip().startswith("expr:")] or lines
