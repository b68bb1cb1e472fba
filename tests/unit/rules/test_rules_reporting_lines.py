"""The reporting lines of PBOC Order [2016] No. 3, article 5, in every currency with a rate."""

import fnmatch
import re
from pathlib import Path
from typing import Any

import pytest

from sentinel.model.document import parse
from sentinel.replay.ruletests import read_tests, run_alone
from sentinel.settings import read_configuration

SHIPPED = read_configuration(None)
RATES = SHIPPED.bounds.ingest.rates
PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text("utf-8")
# rule, what the transaction is, CNY, USD
LINES: list[tuple[str, dict[str, Any], int, int]] = [
    ("legal.large-cash", {"kind": "cash"}, 50_000, 10_000),
    ("legal.large-transfers", {}, 500_000, 100_000),
    ("legal.large-transfers", {"kind": "card"}, 500_000, 100_000),
    ("legal.large-transfers-company", {"customer_type": "legal"}, 2_000_000, 200_000),
    ("legal.cross-border", {"counterparty_country": "HK"}, 200_000, 10_000),
]


def fires(rule: str, amount: float, currency: str, fields: dict[str, Any]) -> bool:
    """Whether a rule fires on one transaction of its own."""
    event = {"on": "transaction", "at": "1m", "amount": amount, "currency": currency, **fields}
    test = {"name": "line", "events": [event], "expect": "fires"}
    text = f"rules: [{{id: {rule}, tests: [{test}]}}]"
    (made,) = read_tests([parse(text, "lines.yaml")])
    return run_alone(made, SHIPPED).passed


@pytest.mark.parametrize("currency", RATES)
@pytest.mark.parametrize("direction", ["debit", "credit"])
@pytest.mark.parametrize(
    ("rule", "fields", "cny", "usd"), LINES, ids=[f"{rule} {more}" for rule, more, *_ in LINES]
)
def test_a_line_is_met_and_just_missed(
    rule: str, fields: dict[str, Any], cny: int, usd: int, direction: str, currency: str
) -> None:
    """At the line it fires, a little below it does not: yuan by theirs, others by the dollar."""
    line = cny if currency == "CNY" else usd * RATES["USD"] / RATES[currency]
    at, below = line * 1.000_001, line * 0.999
    assert fires(rule, at, currency, {"direction": direction, **fields})
    assert not fires(rule, below, currency, {"direction": direction, **fields})


def test_the_table_of_the_documents_is_that_of_the_test() -> None:
    """Each rule with its lines stands in docs/rules.md."""
    for rule, _, cny, usd in LINES:
        assert any(
            f"`{rule}`" in row and f"{cny:,}" in row and f"{usd:,}" in row
            for row in PAGE.splitlines()
        ), rule


def test_the_table_of_typologies_names_rules_that_are_there() -> None:
    """Each rule, or pack of rules, in the table of docs/rules.md is among the shipped ones."""
    table = PAGE.partition("## What is covered")[2].partition("\n## ")[0]
    named: list[str] = re.findall(r"`([a-z]+\.[a-z*-]+)`", table)
    ids = [rule["id"] for document in SHIPPED.rule_documents for rule in document.data["rules"]]
    assert len(named) > 20
    assert [each for each in named if not fnmatch.filter(ids, each)] == []
