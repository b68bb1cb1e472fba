"""Delimited text: every line is in a row, whatever quotes are around it."""

import csv
import io
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sentinel.replay.block import Rows
from sentinel.replay.delimited import Delimited
from sentinel.replay.line_blocks import BLOCK_BYTES
from sentinel.replay.recode import Peeked

Table = list[list[str]]


def _read(data: bytes, delimiter: str = ",") -> tuple[list[str], list[Rows]]:
    opened = Delimited(Peeked(io.BytesIO(data), BLOCK_BYTES), delimiter, None, Counter())
    return opened.names, list(opened.read(opened.names))


def _cells(blocks: list[Rows]) -> Table:
    rows = (row for each in blocks for row in each.batch.to_pylist())
    return [[cell.decode() for cell in row.values()] for row in rows]


def _refused(blocks: list[Rows]) -> list[tuple[int, str, bytes]]:
    return [(each.row, each.detail, each.value) for rows in blocks for each in rows.refused]


@given(
    st.lists(
        st.lists(st.text(alphabet='ab,;"\n 中', max_size=5), min_size=3, max_size=3), max_size=6
    ),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_writer_wrote_is_read(rows: Table, delimiter: str, end: str, quoting: int) -> None:
    """Any cells, quoted as RFC 4180 has it, come back as they were."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([["x", "y", "z"], *rows])
    names, blocks = _read(file.getvalue().encode(), delimiter)
    assert names == ["x", "y", "z"]
    assert _cells(blocks) == rows
    assert _refused(blocks) == []
    assert [int(n) for each in blocks for n in each.numbers] == list(range(1, len(rows) + 1))


@given(st.lists(st.sampled_from(["plain", "open", "closed", "inch", "short"]), max_size=12))
def test_no_line_vanishes(kinds: list[str]) -> None:
    """Lines with quotes that are not closed are refused one by one, and no others with them."""
    texts = {
        "plain": 'n,a,b,c,d,"e"',
        "open": 'n,a,b,c,d,"15 inch',
        "closed": 'n,a,b,c,d,"say ""no"""',
        "inch": 'n,a,b,c,d,15" or 16"',
        "short": "n,a",
    }
    body = "".join(f"{texts[kind]}\n" for kind in kinds)
    _, blocks = _read(f"1,2,3,4,5,6\n{body}".encode())
    good = [row for row, kind in enumerate(kinds, 1) if kind not in {"open", "short"}]
    assert [int(n) for each in blocks for n in each.numbers] == good
    assert sorted(row for row, _, _ in _refused(blocks)) == [
        row for row, kind in enumerate(kinds, 1) if kind in {"open", "short"}
    ]


def test_an_open_quote_is_told_with_its_line() -> None:
    """To the end of the file, to another quote, or over lines that are rows of their own."""
    for rest in ("", 'f,2,3,4,5,"x"\n', 'f,2,3,4,5,"\n'):
        data = f'1,2,3,4,5,6\na,2,3,4,5,"open\nb,2,3,4,5,6\nc,2,3,4,5,6\n{rest}'
        _, blocks = _read(data.encode())
        row, detail, value = _refused(blocks)[0]
        assert (row, value) == (1, b'a,2,3,4,5,"open')
        assert detail.startswith("line 2: a quote is not closed")
        assert [cells[0] for cells in _cells(blocks)][:2] == ["b", "c"]


def test_a_text_of_several_lines_is_one_cell() -> None:
    """Paragraphs in quotes are no open quotes, even if a line of them has commas."""
    text = "first, of two\n\nsecond, a, b, c, d, and more\nlast"
    _, blocks = _read(f'1,2,3,4,5,6\na,2,3,4,5,"{text}"\nb,2,3,4,5,6\n'.encode())
    assert _cells(blocks) == [["a", "2", "3", "4", "5", text], ["b", "2", "3", "4", "5", "6"]]


def test_what_stands_behind_a_closing_quote_is_refused() -> None:
    """Other readers drop the quote or the rest."""
    _, blocks = _read(b'x,y\n"a"b,1\nc,2\n')
    assert _refused(blocks) == [(1, "line 2: ',' expected after '\"'", b'"a"b,1')]
    assert _cells(blocks) == [["c", "2"]]
