"""Files that cannot be read: one line that says why."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from tests.unit.replay.files import CARDS, MAP, OURS, write

from sentinel.replay import mapping
from sentinel.replay.block import ReplayError
from sentinel.replay.source import open_source


@pytest.mark.parametrize(
    ("name", "data", "spec", "message"),
    [
        (
            "mixed.jsonl",
            b'{"event_time":1}\n',
            None,
            (
                "mixed.jsonl: cannot tell which stream its lines are: give --stream, or name the "
                'file like transactions.jsonl, or put "stream" in each line'
            ),
        ),
        (
            "a.csv",
            CARDS,
            None,
            (
                "a.csv: cannot tell which stream it is: give --map or --stream, or name the file "
                "like transactions.csv"
            ),
        ),
        (
            "a.csv",
            CARDS.replace(b"SUM", b"SUMM"),
            MAP,
            'a.csv: no column "SUM" (did you mean "SUMM"?)',
        ),
        (
            "logins.csv",
            b"a,b\n",
            None,
            'logins.csv: no column "event_time" (its columns: a, b)',
        ),
        (
            "a.csv",
            CARDS.replace(b"SUM", b"SUM,SUM"),
            MAP,
            'a.csv: column "SUM" is there more than once',
        ),
        (
            "a.csv",
            CARDS.replace(b",", b"|"),
            MAP,
            (
                'a.csv: no column "ID" (it looks delimited by "|": add `delimiter: "|"` to its '
                "mapping)"
            ),
        ),
        (
            "a.csv",
            CARDS.decode().encode("utf-16"),
            MAP,
            "a.csv: looks like utf-16: add `encoding: utf-16` to its mapping",
        ),
        ("a.csv", b'"ID,AT\n1,2\n', MAP, "a.csv: line 1: a quote is not closed"),
        (
            "logins.json",
            b'[{"event_time":1},{"event_time":2',
            None,
            "logins.json: the array does not end: row 2 is cut off",
        ),
        ("logins.json", b'[{"event_time":1}] {}', None, "logins.json: something follows the array"),
        (
            "a.txt",
            b"",
            MAP,
            (
                "a.txt: not a name that ends in .jsonl, .csv, .tsv or .parquet (or these and .gz); "
                "a text log needs a mapping with lines"
            ),
        ),
        (
            "a.parquet",
            b"no, this is not Parquet",
            MAP,
            (
                "a.parquet: Parquet magic bytes not found in footer. Either the file is "
                "corrupted or this is not a parquet file."
            ),
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    data: bytes,
    spec: mapping.Mapping | None,
    message: str,
) -> None:
    """One line for each thing that can be wrong with a file."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / name, data)
    with pytest.raises(ReplayError) as caught:
        list(open_source(name, spec).blocks())
    assert str(caught.value) == message


def test_a_zipped_file_cut_short_says_so(tmp_path: Path) -> None:
    """A broken archive is an error of one line that names it, after what could be read."""
    path = tmp_path / "logins.jsonl.gz"
    whole = gzip.compress(OURS * 50)
    for data, why in [
        (whole[:-12], "ended before the end-of-stream marker"),
        (whole[:-8] + b"\0" * 8, "CRC check failed"),
        (whole[:20] + b"\xff" * 20 + whole[40:], "Error -3 while decompressing"),
        (b"no archive", "Not a gzipped file"),
    ]:
        path.write_bytes(data)
        with pytest.raises(ReplayError, match=why) as caught:
            list(open_source(str(path)).blocks())
        assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([{"a": 1}]), 'column "ID" holds others: name one, like ID.a'),
        (pa.array([[1]]), 'column "ID" holds lists, no single values: list<element: int64>'),
    ],
)
def test_a_parquet_column_of_many_values_is_named(
    tmp_path: Path, column: pa.Array, message: str
) -> None:
    """A struct or a list is no field; the message says which column."""
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.table({"ID": column, "AT": [1], "WHO": [1], "SUM": [1]}), path)
    with pytest.raises(ReplayError) as caught:
        list(open_source(str(path), MAP).blocks())
    assert str(caught.value) == f"{path}: {message}"
