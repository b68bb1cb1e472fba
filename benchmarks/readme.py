"""Copy the key figures of latest.json into both READMEs: ``python -m benchmarks.readme``.

The table stands between two comments; a test compares it with latest.json.  A figure that
latest.json does not have is left out.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import FIGURES

LATEST = Path(__file__).with_name("latest.json")
_ROOT = Path(__file__).parents[1]
_BEGIN, _END = "<!-- python -m benchmarks.readme -->\n", "<!-- end -->"
_BETWEEN = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
_COMMIT_LETTERS = 7

_ENGLISH = {
    "engine_events_per_s": "engine alone on one core, events/s",
    "engine_vs_river": "engine ÷ the same work, event by event, with river",
    "kafka_events_per_s": "Kafka to committed alerts, one worker, events/s",
    "kafka_events_per_cpu_s": "the same, events per second of the worker's processor time",
    "kafka_vs_plain_faust": "all rules ÷ a plain Faust agent with one rule",
    "kafka_vs_quix": "all rules ÷ Quix Streams with one rule",
    "kafka_vs_flink": "all rules ÷ Flink (DataStream) with one rule",
    "kafka_vs_flink_sql": "all rules ÷ Flink SQL with one rule",
    "kafka_per_cpu_s_vs_flink": "all rules ÷ Flink (DataStream) with one rule, per CPU-second",
    "kafka_per_cpu_s_vs_flink_sql": "all rules ÷ Flink SQL with one rule, per CPU-second",
    "one_rule_per_cpu_s_vs_flink": "one rule ÷ Flink (DataStream), per CPU-second",
    "one_rule_per_cpu_s_vs_flink_sql": "one rule ÷ Flink SQL, per CPU-second",
    "one_rule_vs_hand_loop": "one rule ÷ a confluent-kafka loop written by hand",
    "latency_p50_ms": "event to committed alert at 2,000 events/s, median, ms",
    "latency_p99_ms": "the same, 99th percentile, ms",
    "bytes_per_customer": "bytes per customer, at a million customers",
}
_CHINESE = {
    "engine_events_per_s": "仅引擎，单核，事件/秒",
    "engine_vs_river": "引擎 ÷ 用 river 逐条完成同样的计算",
    "kafka_events_per_s": "从 Kafka 到已提交的预警，单个 worker，事件/秒",
    "kafka_events_per_cpu_s": "同上，worker 每 CPU 秒处理的事件数",
    "kafka_vs_plain_faust": "全部规则 ÷ 只跑一条规则的普通 Faust agent",
    "kafka_vs_quix": "全部规则 ÷ 只跑一条规则的 Quix Streams",
    "kafka_vs_flink": "全部规则 ÷ 只跑一条规则的 Flink（DataStream）",
    "kafka_vs_flink_sql": "全部规则 ÷ 只跑一条规则的 Flink SQL",
    "kafka_per_cpu_s_vs_flink": "全部规则 ÷ 只跑一条规则的 Flink（DataStream），按每 CPU 秒计",
    "kafka_per_cpu_s_vs_flink_sql": "全部规则 ÷ 只跑一条规则的 Flink SQL，按每 CPU 秒计",
    "one_rule_per_cpu_s_vs_flink": "一条规则 ÷ Flink（DataStream），按每 CPU 秒计",
    "one_rule_per_cpu_s_vs_flink_sql": "一条规则 ÷ Flink SQL，按每 CPU 秒计",
    "one_rule_vs_hand_loop": "一条规则 ÷ 手写的 confluent-kafka 循环",
    "latency_p50_ms": "每秒 2,000 个事件时，从事件到已提交预警的延迟，中位数，毫秒",
    "latency_p99_ms": "同上，第 99 百分位，毫秒",
    "bytes_per_customer": "一百万客户时，每位客户占用的字节数",
}


def english(latest: Mapping[str, Any]) -> str:
    """The table of README.md, with a line that names commit, date and machine."""
    commit = _commit(latest)
    where = f"at commit `{commit}`" if commit else "commit not recorded"
    if latest.get("dirty"):
        where += " with uncommitted changes"
    day, machine = latest["measured_at"][:10], latest["machine"]
    source = f"Measured {day} ({where}) on {machine['cores']} cores of {machine['processor']}."
    return _table("| figure | value | bar |", _ENGLISH, latest, source)


def chinese(latest: Mapping[str, Any]) -> str:
    """The table of README.zh.md, the same figures."""
    commit = _commit(latest)
    where = f"提交 `{commit}`" if commit else "未记录提交"
    if latest.get("dirty"):
        where += "，含未提交的改动"
    day, machine = latest["measured_at"][:10], latest["machine"]
    source = f"测于 {day}（{where}），{machine['processor']}，{machine['cores']} 核。"
    return _table("| 指标 | 数值 | 目标 |", _CHINESE, latest, source)


PAGES = {_ROOT / "README.md": english, _ROOT / "README.zh.md": chinese}


def replaced(page: str, table: str) -> str:
    """``page`` with ``table`` between the two comments."""
    text, count = _BETWEEN.subn(lambda _: f"{_BEGIN}\n{table}\n\n{_END}", page)
    if count != 1:
        raise ValueError(f"{count} places for the table, not one")
    return text


def _commit(latest: Mapping[str, Any]) -> str:
    return str(latest.get("commit") or "")[:_COMMIT_LETTERS]


def _table(heading: str, labels: Mapping[str, str], latest: Mapping[str, Any], source: str) -> str:
    rows = [
        f"| {labels[each.key]} | {latest[each.key]:{each.form}} | {each.bar_text} |"
        for each in FIGURES
        if each.key in labels and each.key in latest
    ]
    return "\n".join([heading, "| --- | ---: | ---: |", *rows, "", source])


def main() -> None:
    """Rewrite both READMEs."""
    latest = json.loads(LATEST.read_text("utf-8"))
    for path, table in PAGES.items():
        path.write_text(replaced(path.read_text("utf-8"), table(latest)), "utf-8")


if __name__ == "__main__":
    main()
