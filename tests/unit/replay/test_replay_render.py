"""Mapped columns as event JSON: what each conversion gives, and what a bad value becomes."""

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.model.document import parse
from sentinel.replay import mapping
from sentinel.replay.render import render

BASE = """\
stream: transaction
fields:
  event_id: {template: "t{row}"}
  event_time: {value: 0}
  customer_id: {value: c}
  kind: {value: card}
  direction: {value: debit}
  amount: {value: 1}
"""


def _render(field: str, column: Any, name: str) -> list[Any]:
    """What the event field ``name`` becomes for each cell of the column ``x``."""
    kept = "".join(line for line in BASE.splitlines(True) if not line.startswith(f"  {name}:"))
    spec = mapping.load(parse(kept + f"  {name}: {field}\n", "map.yaml"))
    array = column if isinstance(column, pa.Array) else pa.array(column)
    table = pa.RecordBatch.from_arrays([array], names=["x"])
    _, lines = render(spec, table, np.arange(1, len(array) + 1))
    return [msgspec.json.decode(line).get(name) for line in lines]


def test_a_line_is_an_event_of_ours() -> None:
    """A row becomes a JSON object that names its stream, constants included."""
    spec = mapping.load(parse(BASE, "map.yaml"))
    table = pa.RecordBatch.from_arrays([pa.array(["a"])], names=["x"])
    _, lines = render(spec, table, np.array([7]))
    assert lines == [
        (
            b'{"stream":"transaction","event_id":"t7","event_time":0,"customer_id":"c",'
            b'"kind":"card","direction":"debit","amount":1}'
        )
    ]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["12.50", " 3 ", "1e3", "", None], [12.5, 3, 1000, None, None]),
        (["1,200", "abc", "NaN", "007"], ["1,200", "abc", "NaN", "007"]),
        ([1.25, float("nan"), float("inf")], [1.25, None, "inf"]),
        ([3, None], [3, None]),
    ],
)
def test_numbers_pass_and_what_is_none_stays_text(column: Any, expected: list[Any]) -> None:
    """A cell that is no number stays as written, so that ingest refuses and shows it."""
    assert _render("x", column, "amount") == expected


def test_a_scaled_number_is_multiplied() -> None:
    """Cents become units; what is no number is not touched."""
    assert _render("{from: x, scale: 0.01}", ["1250", "x"], "amount") == [12.5, "x"]


def test_missing_takes_the_default() -> None:
    """A default stands for empty cells only."""
    assert _render("{from: x, default: 5}", ["2", ""], "amount") == [2, 5]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("{from: x, choices: {A: approved, D: declined}}", ["approved", "declined", "?", None]),
        (
            "{from: x, choices: {A: approved}, otherwise: declined}",
            ["approved", "declined", "declined", None],
        ),
        (
            "{from: x, choices: {A: approved}, otherwise: declined, default: reversed}",
            ["approved", "declined", "declined", "reversed"],
        ),
    ],
)
def test_choices_translate(field: str, expected: list[str | None]) -> None:
    """A known word is translated; others pass on, or are what otherwise says."""
    assert _render(field, ["A", "D", "?", ""], "status") == expected


def test_text_is_trimmed_cut_and_escaped() -> None:
    """Quotes, control characters and Chinese text survive the way through JSON."""
    column = ["  a ", 'say "hi"\n\\', "转账汇款", ""]
    assert _render("{from: x, cut: 4}", column, "product") == ["a", "say ", "转账汇款", None]
    assert _render("x", column, "product")[1] == 'say "hi"\n\\'


def test_bytes_that_are_not_utf8_do_not_stop_a_replay() -> None:
    """What cannot be read is replaced, the rest of the column is kept."""
    column = pa.array([b"ok", b"\xff\xfe", None], pa.binary())
    assert _render("x", column, "product") == ["ok", "\ufffd\ufffd", None]


def test_a_template_joins_columns_and_needs_them_all() -> None:
    """A template with a missing column is missing."""
    assert _render('{template: "a-{x}-{row}"}', ["q", None], "product") == ["a-q-1", None]


@given(st.lists(st.text(max_size=8), min_size=1, max_size=8))
def test_any_text_gives_valid_json(texts: list[str]) -> None:
    """No cell, whatever is in it, breaks the line it stands in."""
    clean = [text.encode("utf-8", "replace").decode() for text in texts]
    for text, product in zip(clean, _render("x", clean, "product"), strict=True):
        assert (product or "").strip() == text.strip()


@pytest.mark.parametrize(
    ("field", "column", "expected"),
    [
        ('{from: x, format: "%d-%m-%Y"}', ["02-01-1970", "31-02-1970"], [86_400_000, "31-02-1970"]),
        (
            '{from: x, format: "%b %d %H:%M:%S", year: 1972}',
            ["Feb 29 00:00:00", "Jan  1 00:00:01"],
            [68_169_600_000, 63_072_001_000],
        ),
        ("{from: x, format: epoch_s}", ["1.5", "x"], [1500, "x"]),
        ("{from: x, format: epoch_s}", [2.0], [2000]),
        ("x", ["1970-01-01T08:00:00+08:00", "1970-01-01 00:00:01", "77"], [0, 1000, 77]),
        ("{from: x, zone: Asia/Shanghai}", ["1970-01-01T08:00:05"], [5000]),
        ("x", pa.array([5_000_000], pa.timestamp("us")), [5000]),
        ("x", pa.array([5_000_000], pa.timestamp("us", "Asia/Shanghai")), [5000]),
        (
            "{from: x, zone: Asia/Shanghai}",
            pa.array([28_800_000_000_000], pa.timestamp("ns")),
            [0],
        ),
        ("x", pa.array([1], pa.date32()), [86_400_000]),
        ('{sequence: {start: "1970-01-01T00:00:00Z", every: 1m}}', ["a", "b"], [0, 60_000]),
    ],
)
def test_times_become_milliseconds(field: str, column: Any, expected: list[int | str]) -> None:
    """Every way to write a time; one that does not exist stays as written."""
    assert _render(field, column, "event_time") == expected


def test_unreadable_times_are_marked() -> None:
    """The times beside the lines have -1 where ingest will find none."""
    spec = mapping.load(parse(BASE.replace("{value: 0}", "x"), "map.yaml"))
    table = pa.RecordBatch.from_arrays([pa.array(["9", "soon", None])], names=["x"])
    times, _ = render(spec, table, np.arange(1, 4))
    assert times.tolist() == [9, -1, -1]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["TRUE", "no", "1", "", "so"], [True, False, True, None, "so"]),
        ([True, None], [True, None]),
    ],
)
def test_truths(column: Any, expected: list[Any]) -> None:
    """Yes and no as people write them."""
    text = BASE.replace("transaction", "login").replace("{value: card}", "{value: login}")
    kept = "".join(
        line for line in text.splitlines(True) if "direction" not in line and "amount" not in line
    )
    spec = mapping.load(parse(kept + "  success: x\n", "map.yaml"))
    table = pa.RecordBatch.from_arrays([pa.array(column)], names=["x"])
    _, lines = render(spec, table, np.arange(1, len(column) + 1))
    assert [msgspec.json.decode(line).get("success") for line in lines] == expected
