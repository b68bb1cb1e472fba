"""Condition programs: blocks, hits and bits; what an operation means is compared with CEL."""

import random
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from sentinel.ingest.extract import extract
from sentinel.model.columns import FIELDS, TRUE, Array
from sentinel.model.condition import Wanted
from sentinel.model.document import parse
from sentinel.model.events import Event, Stream, Transaction
from sentinel.model.ids import PLAIN
from sentinel.rules import ConditionCompiler, compile_expression, declare_lists
from sentinel.rules.interpreter import BLOCK, Op
from sentinel.rules.nodes import Node
from sentinel.rules.program import Program

COLUMNS = FIELDS[Stream.TRANSACTION]
LIST = """\
title: {en: Some, zh: 某些}
purpose: deny
owner: test
source: test
entries: [m3, {value: m5, until: "2026-01-04"}]
"""
CONDITIONS = (
    "amount + 1 > lat * 2",
    "amount - lat <= 40 / lon",
    "amount % 7 == 3",
    "amount in [3, 5, 8]",
    'kind in ["card", "fee"]',
    'merchant_id == "m3"',
    'merchant_id != "m4"',
    "merchant_id in lists.some",
    "merchant_id == counterparty_id",
    "has(lat) == has(lon)",
    "has(merchant_id) && has(kind)",
    "!has(lat) || lat > 10",
    "(lat > 10 ? amount : lon) >= 20",
    "lat > 10 ? amount > 50 : has(lon)",
    'merchant_id.startsWith("m1") || amount < 9',
    "true",
)


@dataclass(frozen=True)
class _Table:
    """Some rows of a table."""

    columns: dict[str, Array]
    events: list[Event]

    def __len__(self) -> int:
        return len(self.events)

    def only(self, row: int) -> "_Table":
        """One row."""
        columns = {name: array[row : row + 1] for name, array in self.columns.items()}
        return _Table(columns, self.events[row : row + 1])


def _table(n: int) -> _Table:
    draw = random.Random(n)
    events: list[Event] = [
        Transaction(
            event_id=f"e{row}",
            event_time=1_767_571_200_000 + draw.randrange(-86_400_000, 86_400_000),
            customer_id="c",
            kind=draw.choice(["card", "transfer", "fee"]),
            direction="debit",
            amount=float(draw.randrange(90)),
            merchant_id=draw.choice([None, "m1", "m3", "m4", "m5", "m12"]),
            counterparty_id=draw.choice([None, "m3", "m4"]),
            lat=draw.choice([None, 0.0, 12.5, 60.0]),
            lon=draw.choice([None, 0.0, 30.0]),
        )
        for row in range(n)
    ]
    return _Table(extract(Stream.TRANSACTION, events, COLUMNS, PLAIN), events)


@cache
def _roots() -> tuple[Node, ...]:
    lists = declare_lists([parse(LIST, "lists/some.yaml")], ZoneInfo("UTC"))
    return tuple(compile_expression(text, COLUMNS, lists=lists).root for text in CONDITIONS)


def _expected(table: _Table) -> NDArray[np.int8]:
    """Every condition of every row, each by a program of its own over that row alone."""
    programs = [Program([root]) for root in _roots()]
    rows = [table.only(row) for row in range(len(table))]
    truths = [[each.truths(row).item() for row in rows] for each in programs]
    return np.array(truths, np.int8)


def test_these_conditions_use_every_operation() -> None:
    """None is left out of the tests below, but for what truths of transactions there are."""
    used = {Op(row[0]) for row in Program(_roots())._code}
    assert used == set(Op) - {Op.HAS_TRUTH}


@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 3])
def test_many_rows_are_as_each_alone(n: int) -> None:
    """Rows of one block do not touch each other, nor do blocks; some are true, some unknown."""
    table = _table(n)
    truths, expected = Program(_roots()).truths(table), _expected(table)
    assert np.array_equal(truths, expected)
    if n > BLOCK:
        assert {0, 1, 2} == set(truths.ravel().tolist())


def test_hits_are_the_true_ones_by_row() -> None:
    """With every part's truth; more of them than there was room for at first, too."""
    table, program = _table(3 * BLOCK), Program(_roots())
    for _ in range(2):
        hits = program.hits(table)
        expected = np.argwhere(program.truths(table).T == TRUE)
        assert len(expected) > 1_024
        assert np.array_equal(np.stack([hits.rows, hits.conditions], 1), expected)
    for number in range(0, len(hits.rows), 97):
        root = _roots()[int(hits.conditions[number])]
        assert hits.at(number).truth(root) == TRUE


def test_bits_are_those_of_what_is_wanted() -> None:
    """A condition, columns with a value, both, or neither: then every row is wanted."""
    compiler, table = ConditionCompiler(), _table(BLOCK + 1)
    condition = compiler.compile("amount > 40", COLUMNS)
    wanted = {
        3: Wanted(condition),
        5: Wanted(None, ("lat", "merchant_id")),
        40: Wanted(condition, ("lon",)),
        62: Wanted(None),
    }
    found = compiler.bits(wanted, COLUMNS).of(table)
    for row, event in enumerate(table.events):
        assert isinstance(event, Transaction)
        large, placed = float(event.amount) > 40, event.lat is not None
        expected = large << 3 | (placed and event.merchant_id is not None) << 5
        expected |= (large and event.lon is not None) << 40 | 1 << 62
        assert found[row] == expected
