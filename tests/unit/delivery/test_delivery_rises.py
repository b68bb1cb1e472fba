"""From events to pages: an alert that falls and rises again is paged again."""

from pathlib import Path

import msgspec
from tests.delivery.alerts import NOW
from tests.delivery.box import Box

from sentinel.engine import Configuration, Engine
from sentinel.model.alert import Alert, Tier
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Step

CONFIGS = Path(__file__).parents[3] / "configs"
HOUR = 3_600_000
_RULES = """
rules:
  - id: own.large
    title: {en: Large, zh: 大额}
    risk: operational
    severity: 95
    owner: test
    on: transaction
    when: amount > 1000.0
  - id: own.any
    title: {en: Any, zh: 任意}
    risk: operational
    severity: 30
    owner: test
    on: transaction
    when: amount > 1.0
"""


def _alerts(*spent: tuple[int, float]) -> list[Alert]:
    """What the engine says of a customer who spends amounts at times."""
    files = {path.name: path.read_text("utf-8") for path in CONFIGS.glob("*.yaml")}
    engine = Engine(Configuration.parse({**files, "rules/own.yaml": _RULES}))
    alerts: list[Alert] = []
    for number, (at_ms, amount) in enumerate(spent):
        event = {
            "event_id": f"E{number}",
            "event_time": at_ms,
            "customer_id": "C-1",
            "kind": "transfer",
            "direction": "debit",
            "amount": amount,
        }
        value = msgspec.json.encode(event)
        chunk = Chunk(Stream.TRANSACTION, "t", 0, [number], [at_ms], [None], [value])
        alerts += engine.process(Step(at_ms, [chunk])).emitted.alerts
    return alerts


def test_red_yellow_red_is_paged_twice_as_red(tmp_path: Path) -> None:
    """A second attack on the same customer wakes somebody again."""
    box, told = Box(tmp_path), []
    for alert in _alerts((NOW, 5_000), (NOW + 10 * HOUR, 50), (NOW + 12 * HOUR, 5_000)):
        box.store(alert, now_ms=alert.updated_at)
        told += [page.content.tier for page in box.due("duty", alert.updated_at)]
        box.sends("duty", alert.updated_at)
    assert told == [Tier.RED, Tier.RED]
