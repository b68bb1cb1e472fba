"""Our conditions against a CEL implementation by others, on random conditions and data.

CEL has no missing numbers: an unset name is an error there, and errors are absorbed by
``&&`` and ``||`` just as our unknown is.
"""

from typing import Any
from zoneinfo import ZoneInfo

import cel
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.model.columns import Column, Kind, Rows
from sentinel.model.document import parse
from sentinel.model.events import Stream, Transaction
from sentinel.model.ids import PLAIN
from sentinel.rules import compile_expression, declare_lists
from sentinel.rules.program import Program

NUMBERS, TRUTHS, TEXTS = ("a", "b", "c"), ("p", "q"), ("country", "mcc")
COLUMNS = {
    **{name: Column(name, Kind.NUMBER) for name in NUMBERS},
    **{name: Column(name, Kind.TRUTH) for name in TRUTHS},
    **{name: Column(name, Kind.STRING) for name in TEXTS},
}
LISTED = {"some": ["CN", "KP"], "none": []}
LISTS = declare_lists(
    [
        parse(
            "title: {en: A, zh: 甲}\npurpose: watch\nowner: tests\nsource: made up\n"
            f"entries: {entries}\n",
            f"lists/{name}.yaml",
        )
        for name, entries in LISTED.items()
    ],
    ZoneInfo("UTC"),
)
FALSE, UNKNOWN, TRUE = 0, 1, 2

literals = st.integers(-5, 5).map(lambda number: f"{number}.0")
numbers = st.recursive(
    st.one_of(literals, st.sampled_from(NUMBERS)),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    ),
    max_leaves=4,
)
comparisons = st.tuples(numbers, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers).map(
    " ".join
)
lookups = st.tuples(st.sampled_from(TEXTS), st.sampled_from(list(LISTED))).map(" in lists.".join)
conditions = st.recursive(
    st.one_of(comparisons, lookups, st.sampled_from([*TRUTHS, "true", "false"])),
    lambda inner: st.one_of(
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
        st.tuples(inner, inner, inner).map(
            lambda parts: f"(({parts[0]}) ? ({parts[1]}) : ({parts[2]}))"
        ),
    ),
    max_leaves=8,
)
data = st.fixed_dictionaries(
    {
        **{name: st.one_of(st.none(), st.integers(-5, 5).map(float)) for name in NUMBERS},
        **{name: st.one_of(st.none(), st.booleans()) for name in TRUTHS},
        **{name: st.sampled_from([None, "CN", "KP", "TH"]) for name in TEXTS},
    }
)


def _ours(text: str, values: dict[str, Any]) -> int:
    event = Transaction(
        event_id="e", event_time=1, customer_id="c", kind="fee", direction="debit", amount=1.0
    )
    one = np.zeros(1, np.int64)
    columns: dict[str, Any] = {
        name: np.array([np.nan if values[name] is None else values[name]]) for name in NUMBERS
    }
    for name in TRUTHS:
        truth = UNKNOWN if values[name] is None else 2 * values[name]
        columns[name] = np.array([truth], np.int8)
    for name in TEXTS:
        columns[name] = PLAIN.texts([values[name]])
    columns["event_time"] = one
    rows = Rows(Stream.TRANSACTION, [event], one, one, columns)
    return int(Program([compile_expression(text, COLUMNS, lists=LISTS).root]).truths(rows)[0, 0])


def _theirs(text: str, values: dict[str, Any]) -> int:
    given_values = {name: value for name, value in values.items() if value is not None}
    given_values["lists"] = LISTED
    try:
        return TRUE if cel.evaluate(text, given_values) else FALSE
    except (RuntimeError, ValueError, TypeError):
        return UNKNOWN


@settings(max_examples=600, deadline=None)
@given(conditions, data)
def test_the_same_truth(text: str, values: dict[str, Any]) -> None:
    """True where CEL says true, false where it says false, unknown where it has an error."""
    assert _ours(text, values) == _theirs(text, values)
