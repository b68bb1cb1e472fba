"""A small configuration that raises alerts often, and a second one to switch to."""

from functools import cache
from pathlib import Path

from sentinel.engine import Configuration

_SHIPPED = Path(__file__).parents[2] / "configs"
_FEATURES = """\
features:
  customer:
    spent_1h: {on: transaction, sum: amount, window: 1h}
    count_10m: {on: transaction, count: true, window: 10m}
    failed_30m: {on: login, count: true, where: "!success", window: 30m}
    devices_7d: {on: login, distinct: device_id, window: 7d}
    usual: {on: transaction, zscore: amount, halflife: 1d}
  device:
    customers_10m: {on: login, distinct: customer_id, window: 10m}
    failed_1h: {on: login, count: true, where: "!success", window: 1h}
  bank:
    spent_1h: {on: transaction, sum: amount, window: 1h}
    refuted_1h: {on: transaction, verdict: false_positive, count: true, window: 1h}
history: {transaction: 4, login: 4}
"""
_RULES = """\
rules:
  - id: sim.spent
    title: {en: Much spent, zh: 支出过多}
    risk: operational
    severity: 55
    owner: simulation
    on: transaction
    when: spent_1h > 900.0
    actions: [delay_transfer]
  - id: sim.many
    title: {en: Many transactions, zh: 交易频繁}
    risk: market
    severity: 35
    owner: simulation
    on: transaction
    when: count_10m > 3 || usual > 2.0
  - id: sim.device
    title: {en: Many customers on one device, zh: 一机多户}
    risk: operational
    severity: 60
    owner: simulation
    by: device
    when: customers_10m > 1.0 && failed_1h > 1.0
    entity_risk: 80
  - id: sim.bank
    title: {en: Much spent by all, zh: 全行支出过多}
    risk: liquidity
    severity: 40
    owner: simulation
    by: bank
    when: spent_1h > 1500.0
  - id: sim.refuted
    title: {en: Much refuted, zh: 误报集中}
    risk: liquidity
    severity: 30
    owner: simulation
    by: bank
    when: refuted_1h > 1.0
  - id: sim.risky
    title: {en: A login on a risky device, zh: 高风险设备登录}
    risk: legal
    severity: 45
    owner: simulation
    on: login
    when: device.risk > 50.0
  - id: sim.takeover
    title: {en: Failed logins then a transfer, zh: 登录失败后转账}
    risk: operational
    severity: 70
    owner: simulation
    sequence:
      within: 1h
      steps:
        - {on: login, when: "!success && failed_30m > 1"}
        - {on: transaction, when: amount > 100.0}
"""


def _files() -> dict[str, str]:
    wanted = ("tiers", "suppression", "actions", "complaints", "text", "engine")
    names = [f"{name}.yaml" for name in wanted]
    files = {name: (_SHIPPED / name).read_text("utf-8") for name in names}
    engine = files["engine.yaml"]
    for name, value in (
        ("max_customers", 6),
        ("max_overflow_customers", 3),
        ("max_entities", 2),
        ("remembered_events", 300),
        ("max_fired_events", 10),
        ("max_held_transactions", 12),
    ):
        lines = [
            f"{name}: {value}" if line.startswith(f"{name}:") else line
            for line in engine.splitlines()
        ]
        engine = "\n".join(lines) + "\n"
    files["engine.yaml"] = engine
    return {
        **files,
        "features.yaml": _FEATURES,
        "detectors.yaml": "detectors: []\n",
        "rules/sim.yaml": _RULES,
    }


@cache
def configurations() -> tuple[Configuration, ...]:
    """The one in force at first, and those that may be published later."""
    files = _files()
    more = (
        files["features.yaml"]
        .replace("window: 10m", "window: 20m")
        .replace("{transaction: 4, login: 4}", "{transaction: 6, login: 3}")
    )
    changed = {
        **files,
        "features.yaml": more,
        "engine.yaml": files["engine.yaml"].replace("max_customers: 6", "max_customers: 5"),
        "rules/sim.yaml": _RULES.replace("spent_1h > 900.0", "spent_1h > 700.0"),
    }
    return Configuration.parse(files), Configuration.parse(changed)
