"""What is usual for a customer, beside what was seen."""

import json

from sentinel.engine import Configuration, Engine
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Step
from sentinel.settings import read_configuration

_RULE = """
rules:
  - id: unusual
    title: {en: Unusual, zh: 异常}
    risk: operational
    severity: 90
    owner: tests
    on: transaction
    when: amount_z > 3
"""


def _configuration() -> Configuration:
    files = read_configuration(None).files
    kept = {name: text for name, text in files.items() if not name.startswith("rules/")}
    return Configuration.parse(kept | {"rules/unusual.yaml": _RULE})


def _payments(*amounts: float) -> Step:
    values: list[bytes | None] = [
        json.dumps(
            {
                "event_id": f"e{index}",
                "event_time": 1_767_571_200_000 + index * 60_000,
                "customer_id": "C1",
                "kind": "transfer",
                "direction": "debit",
                "status": "approved",
                "amount": amount,
                "currency": "CNY",
            }
        ).encode()
        for index, amount in enumerate(amounts)
    ]
    offsets, keys = list(range(len(values))), [b"C1" for _ in values]
    last_ms = 1_767_571_200_000 + len(values) * 60_000
    chunk = Chunk(Stream.TRANSACTION, "t", 0, offsets, [last_ms] * len(values), [*keys], values)
    return Step(last_ms, [chunk])


def test_a_reason_names_what_is_usual_for_the_customer() -> None:
    """The clause on a z-score tells the value itself and the customer's own mean before it."""
    alerts = Engine(_configuration()).process(_payments(*[90.0, 110.0] * 6, 5_000.0)).emitted.alerts
    (clause,) = alerts[-1].reasons[0].clauses
    assert clause.values["amount"] == 5_000.0
    assert abs(clause.normal["amount"] - 100.0) < 1.0


def test_without_history_nothing_is_usual() -> None:
    """A customer's first payments neither fire nor have a normal."""
    assert not Engine(_configuration()).process(_payments(90.0, 5_000.0)).emitted.alerts
