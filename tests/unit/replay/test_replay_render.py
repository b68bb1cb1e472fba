"""Mapped columns as event JSON: what each conversion gives, and what a bad value becomes."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.model.document import parse
from sentinel.replay import mapping
from sentinel.replay.block import ReplayError, Rows
from sentinel.replay.render import Rendered, Renderer

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


WRITTEN_MS = 1_767_578_400_000  # 2026-01-05T02:00:00Z: when the file was written


def _rendered(text: str, *columns: Any) -> Rendered:
    """The columns ``x``, ``y``, ... as events by the mapping ``text``."""
    arrays = [each if isinstance(each, pa.Array) else pa.array(each) for each in columns]
    batch = pa.RecordBatch.from_arrays(arrays, names=["x", "y"][: len(arrays)])
    rows = Rows(np.arange(1, batch.num_rows + 1), batch, [])
    return Renderer(mapping.load(parse(text, "map.yaml")), lambda: WRITTEN_MS).render(rows)


def _with(field: str, name: str, above: str = "") -> str:
    kept = "".join(line for line in BASE.splitlines(True) if not line.startswith(f"  {name}:"))
    return f"{above}{kept}  {name}: {field}\n"


def _render(field: str, column: Any, name: str, above: str = "") -> list[Any]:
    """What the event field ``name`` becomes for each cell of the column ``x``."""
    lines = _rendered(_with(field, name, above), column).lines
    return [msgspec.json.decode(line).get(name) for line in lines]


def test_a_line_is_an_event_of_ours() -> None:
    """A row becomes a JSON object that names its stream, constants included."""
    assert _rendered(BASE, ["a"]).lines == [
        (
            b'{"stream":"transaction","event_id":"t1","event_time":0,"customer_id":"c",'
            b'"kind":"card","direction":"debit","amount":1}'
        )
    ]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["12.50", " 3 ", "1e3", "", None], [12.5, 3, 1000, None, None]),
        (["1,200", "abc", "NaN", "-", "."], ["1,200", "abc", "NaN", "-", "."]),
        (["007", "+5", ".5", "5.", "-0.50", "0E-8"], [7, 5, 0.5, 5, -0.5, 0]),
        ([1.25, float("nan"), float("inf")], [1.25, None, "inf"]),
        ([3, None], [3, None]),
        (
            pa.array([Decimal("0.00000000"), Decimal("12.50000000")], pa.decimal128(20, 8)),
            [0, 12.5],
        ),
    ],
)
def test_numbers_pass_and_what_is_none_stays_text(column: Any, expected: list[Any]) -> None:
    """A cell that is no number stays as written, so that ingest refuses and shows it."""
    assert _render("x", column, "amount") == expected


@pytest.mark.parametrize("column", [["000000012345", "12345", "1e2", "x", "-5"], [12345, None]])
def test_a_scaled_number_is_multiplied_exactly(column: list[Any]) -> None:
    """Cents become units, padded with zeros or not; what is no number is not touched."""
    expected = [123.45, 123.45, 1, "x", -0.05] if column[0] != 12345 else [123.45, None]
    assert _render("{from: x, scale: 0.01}", column, "amount") == expected


def test_a_scale_may_be_another_columns_choice() -> None:
    """The smallest unit of a currency is one, a hundredth or a thousandth of it."""
    field = "{from: x, scale: {by: y, choices: {JPY: 1, KWD: 0.001}, otherwise: 0.01}}"
    made = _rendered(_with(field, "amount"), ["1250"] * 4, ["JPY", "KWD", "CNY", None])
    assert [msgspec.json.decode(line).get("amount") for line in made.lines] == [
        1250,
        1.25,
        12.5,
        "1250",  # without a currency nobody knows: ingest refuses the text
    ]


@pytest.mark.parametrize(
    ("decimal", "column", "expected"),
    [
        (",", ["1.234,56", "98,76", "1.000", "1 234,5", "12"], [1234.56, 98.76, 1000, 1234.5, 12]),
        (",", ["12.50", "1.00", "1.0000", "1,2,3"], ["12.50", "1.00", "1.0000", "1,2,3"]),
        (".", ["1,234.56", "1,000", "1.000", "1'000.5"], [1234.56, 1000, 1, 1000.5]),
        (".", ["1,23", "1.234,56", "1,0000"], ["1,23", "1.234,56", "1,0000"]),
        (",", [1.5, 2.0], [1.5, 2]),
    ],
)
def test_marks_of_thousands_are_read_where_the_decimal_mark_is_known(
    decimal: str, column: list[Any], expected: list[Any]
) -> None:
    """One thousand is never one; numbers that nobody wrote as text are as they are."""
    assert _render("x", column, "amount", f'decimal: "{decimal}"\n') == expected


@pytest.mark.parametrize("column", [["98,76", "1.000"], ["1.000", "1.234,56"]])
def test_numbers_that_can_be_read_both_ways_stop_the_replay(column: list[str]) -> None:
    """A decimal comma and a point before three digits in one column need a word of the mapping."""
    with pytest.raises(ReplayError, match=r'column "x" has a decimal comma in row \d and a point'):
        _render("x", column, "amount")


def test_both_ways_are_noticed_over_blocks() -> None:
    """What was seen in one block of rows is remembered in the next."""
    renderer = Renderer(mapping.load(parse(_with("x", "amount"), "map.yaml")), lambda: WRITTEN_MS)
    for cell, numbers in [("1.000", [1]), ("12.5", [2])]:
        batch = pa.RecordBatch.from_arrays([pa.array([cell])], names=["x"])
        assert len(renderer.render(Rows(np.array(numbers), batch, [])).lines) == 1
    batch = pa.RecordBatch.from_arrays([pa.array(["1,5"])], names=["x"])
    with pytest.raises(ReplayError, match=r"comma in row 3 and a point in row 1"):
        renderer.render(Rows(np.array([3]), batch, []))


def test_a_sign_is_a_direction() -> None:
    """Money that left is negative in a statement; the amount loses its sign."""
    text = BASE.replace("{value: debit}", '{sign_of: x, choices: {"-": debit, "+": credit}}')
    text = text.replace("{value: 1}", "{from: x, absolute: true}")
    lines = _rendered(f'decimal: ","\n{text}', ["-1.234,50", "7", "+7", "0", "x", None]).lines
    found = [msgspec.json.decode(line) for line in lines]
    assert [(each.get("direction"), each.get("amount")) for each in found] == [
        ("debit", 1234.5),
        ("credit", 7),
        ("credit", 7),
        ("credit", 0),
        (None, "x"),
        (None, None),
    ]


def test_the_first_column_that_a_row_has_is_read() -> None:
    """Alternatives are tried in their order, row by row; capitals are made if asked for."""
    made = _rendered(_with("{from: [x, y, z], upper: true}", "product"), ["a", ""], ["b", "c"])
    assert [msgspec.json.decode(line)["product"] for line in made.lines] == ["A", "C"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([6222021234567890.0, 7.5, None]), ["6222021234567890", "7.5", None]),
        (pa.array(["a", ""], pa.large_string()), ["a", None]),
        (pa.array(["a", "", "a"]).dictionary_encode(), ["a", None, "a"]),
        (pa.array(["a", " "], pa.string_view()), ["a", None]),
        (pa.array([b"ab"], pa.binary(2)), ["ab"]),
        (
            pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(range(16))], pa.binary(16))),
            ["00010203-0405-0607-0809-0a0b0c0d0e0f"],
        ),
    ],
)
def test_columns_of_any_type_are_their_texts(column: pa.Array, expected: list[str | None]) -> None:
    """A type of the file's never shows in an id."""
    assert _render("x", column, "counterparty_id") == expected


def test_only_rows_that_are_wanted_are_rendered() -> None:
    """Others are counted, not lost."""
    made = _rendered(f"only: {{x: [a, b]}}\n{BASE}", ["a", "c", None, "b"])
    assert (made.numbers.tolist(), made.unwanted) == ([1, 4], 2)


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


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """Nothing is put in their place: two customers would become one."""
    made = _rendered(_with("x", "product"), pa.array([b"ok", b"\xff\xfe", None], pa.binary()))
    assert made.numbers.tolist() == [1, 3]
    assert [(each.row, each.detail) for each in made.refused] == [(2, "x is not UTF-8")]


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
        (
            '{from: x, format: "%d-%m-%Y", zone: UTC}',
            ["02-01-1970", "31-02-1970"],
            [86_400_000, "31-02-1970"],
        ),
        (
            '{from: x, format: "%b %d %H:%M:%S", year: 1972, zone: UTC}',
            ["Feb 29 00:00:00", "Jan  1 00:00:01"],
            [68_169_600_000, 63_072_001_000],
        ),
        ("{from: x, unit: s}", ["1.5", "x"], [1500, "x"]),
        ("{from: x, format: epoch_s}", [2.0], [2000]),
        ("{from: x, unit: us}", ["1767578400123456"], [1_767_578_400_123]),
        (
            '{from: x, unit: day, since: "1899-12-30", zone: Asia/Shanghai}',
            ["46027.5", "1e99", "nan"],
            [1_767_585_600_000, "1e99", "nan"],  # noon of 2026-01-05 there, by a spreadsheet
        ),
        ('{from: x, unit: h, since: "1970-01-02T00:00:00Z"}', ["1"], [90_000_000]),
        ("x", ["1970-01-01T08:00:00+08:00", "77"], [0, 77]),
        ("x", ["2026-01-05 10:00:00", "20260105"], ["2026-01-05 10:00:00", 20_260_105]),
        (
            '{from: x, format: "%d.%m.%Y", zone: UTC}',
            ["02.01.1970", "1970-01-01T08:00:00+08:00"],
            [86_400_000, 0],  # one that says its zone needs no format
        ),
        (
            '{from: x, format: "%b %d %H:%M", zone: Asia/Shanghai}',
            ["Jan  5 10:00", "Jan  6 23:00", "Dec 31 00:00", "Feb 29 00:00", "Feb 30 00:00"],
            [
                1_767_578_400_000,
                1_767_711_600_000,  # clocks and zones differ by a day, not by a year
                1_767_110_400_000,
                1_709_136_000_000,
                "Feb 30 00:00",
            ],
        ),
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
    made = _rendered(_with("x", "event_time"), ["9", "soon", None])
    assert made.times.tolist() == [9, -1, -1]


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
    lines = _rendered(kept + "  success: x\n", column).lines
    assert [msgspec.json.decode(line).get("success") for line in lines] == expected
