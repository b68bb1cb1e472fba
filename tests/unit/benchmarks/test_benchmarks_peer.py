"""The river peer does the engine's work: otherwise the comparison would be of unlikes."""

import pytest
from benchmarks import configs
from benchmarks.agreement import agreement
from benchmarks.events import events
from benchmarks.peer_conditions import compile_condition

from sentinel.model.columns import FIELDS
from sentinel.model.events import Stream, Transaction

END_MS = 1_767_571_200_000
TRANSACTION = Transaction(
    event_id="t1", event_time=1, customer_id="c1", kind="card", direction="debit", amount=30.0
)


def test_values_and_hits_agree_with_the_engine() -> None:
    """On a sample every feature value is the engine's, and so is every plain rule's hit."""
    sample = list(events(4_000, customers=200, end_ms=END_MS, everyone=True))
    agreed = agreement(configs.by_customer(configs.shipped()), sample)
    assert agreed["equal_values"] > 50_000


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('kind == "card" && amount > 20', True),
        ("amount > 20 && balance_after > 0", False),
        ("!(balance_after > 0)", False),
        ("!(balance_after > 0 && amount > 40)", True),
        ("!has(balance_after)", True),
        ('kind in ["cash", "card"]', True),
        ('!(currency == "CNY") || txn_count_10m >= 3', True),
        ("amount_z > 3", False),
    ],
)
def test_a_condition_holds_only_where_it_surely_does(condition: str, expected: bool) -> None:
    """What is missing makes no condition true, negated or not."""
    index = {"txn_count_10m": 0, "amount_z": 1}
    columns = {**FIELDS[Stream.TRANSACTION]}
    for name in index:
        columns[name] = columns["balance_after"]
    holds = compile_condition(condition, columns, index)
    assert bool(holds(TRANSACTION, [3, None])) is expected
