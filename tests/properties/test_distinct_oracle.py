"""Distinct customers of an entity: exact while few, never more than came, whatever the order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.entities import Owner, declare, lay_out
from sentinel.entities.layout import HASH, KEPT, NEWEST, PANE, PANE_MS, PARTS, Layout
from sentinel.entities.rows import RollupRows
from sentinel.model.document import parse
from sentinel.model.entity import EntityKind
from sentinel.model.ids import PLAIN

TEXT = "features:\n  device:\n    seen_2m: {on: login, distinct: customer_id, window: 2m}\n"
PANES = 12  # of ten seconds each
Visit = tuple[int, int]
"""A customer's number, and the pane in which a row tells of one."""


def _layout() -> Layout:
    return lay_out(declare(parse(TEXT, "f")), {EntityKind.DEVICE: frozenset({"seen_2m"})})


def _told(owner: Owner, layout: Layout, visits: list[Visit]) -> list[float]:
    """The count after each visit."""
    kind, n = layout.kinds[0], len(visits)
    rows = np.zeros((n, kind.width), np.int64)
    rows[:, HASH] = 7
    rows[:, PANE] = [pane for _, pane in visits]
    rows[:, NEWEST] = rows[:, PANE] * PANE_MS * 4 + 1
    rows[:, PARTS] = PLAIN.texts([f"C{who}" for who, _ in visits]).view(np.int64)
    (found,) = owner.apply(
        [RollupRows(kind.kind, kind.version, rows, np.arange(1, n + 1), b"d" * n)]
    )
    return [float(each) for each in found.columns["seen_2m"]]


def _true(visits: list[Visit]) -> list[int]:
    """How many customers the window has after each visit."""
    found, head = [], 0
    last: dict[int, int] = {}
    for who, pane in visits:
        head = max(head, pane)
        last[who] = max(last.get(who, 0), pane)
        found.append(sum(pane > head - PANES for pane in last.values()))
    return found


FEW = st.lists(st.tuples(st.integers(0, KEPT - 2), st.integers(100, 130)), min_size=1, max_size=120)


@given(FEW)
def test_a_few_customers_are_counted_exactly(visits: list[Visit]) -> None:
    """In any order of panes, late ones too."""
    assert _told(Owner(_layout(), 4), _layout(), visits) == _true(visits)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(100, 130)), min_size=80, max_size=300))
def test_many_customers_are_never_more_than_came(visits: list[Visit]) -> None:
    """Exact below the bound; from there on at least the bound, at most the rows of the window."""
    told, true = _told(Owner(_layout(), 4), _layout(), visits), _true(visits)
    head = 0
    for row, (found, exact) in enumerate(zip(told, true, strict=True)):
        head = max(head, visits[row][1])
        came = sum(pane > head - PANES for _, pane in visits[: row + 1])
        if exact < KEPT:
            assert found == exact
        else:
            assert KEPT <= found <= came


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(100, 111)), min_size=1, max_size=200),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_does_not_matter(visits: list[Visit], shuffled: object) -> None:
    """Rows of one window, in any order: the same bytes are held, so the same will be told."""
    layout = _layout()
    owner, other = Owner(layout, 4), Owner(layout, 4)
    again = list(visits)
    shuffled.shuffle(again)  # type: ignore[attr-defined]
    head = (0, 111)
    _told(owner, layout, [*visits, head])
    _told(other, layout, [*again, head])
    assert bytes(owner.snapshot()["device.slab"]) == bytes(other.snapshot()["device.slab"])


@pytest.mark.parametrize(
    ("customers", "error"), [(64, 0.045), (150, 0.05), (400, 0.06), (800, 0.09)]
)
def test_the_error_of_many_is_what_is_said(customers: int, error: float) -> None:
    """Root mean square over a hundred sets of customers, within a tenth of the standard error."""
    layout, errors = _layout(), []
    for draw in range(100):
        visits = [(draw * 1000 + who, 100) for who in range(customers)]
        errors.append(_told(Owner(layout, 4), layout, visits)[-1] / customers - 1)
    assert np.sqrt(np.mean(np.square(errors))) <= 1.1 * error
