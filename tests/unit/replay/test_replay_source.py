"""Files of every sort as blocks of event JSON."""

import io
import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet
import pytest
from tests.unit.replay.files import CARDS, MAP, OURS, customers, letters, only, write

from sentinel.model.events import Stream
from sentinel.replay import mapping
from sentinel.replay.block import Skip
from sentinel.replay.fields import Field
from sentinel.replay.mapping import Mapping
from sentinel.replay.source import open_source


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv"])
def test_delimited_text(tmp_path: Path, name: str) -> None:
    """CSV with quotes and Windows line ends, zipped or not, and with tabs."""
    data = CARDS
    if name == "a.tsv":
        data = b'\xef\xbb\xbfID\tAT\tWHO\tSUM\n1\t0\tann\t1\n2\t0\t"bob ""b"", jr."\t2\n'
    block = only(open_source(write(tmp_path / name, data), MAP))
    assert customers(block) == ["ann", 'bob "b", jr.']
    assert block.offsets.tolist() == [1, 2]
    assert set(block.streams.tolist()) == {0}


def test_ragged_rows_are_refused(tmp_path: Path) -> None:
    """A row with too few cells does not stop the file; its dead letter has its text."""
    source = open_source(write(tmp_path / "a.csv", CARDS + b"3,4\r\n"), MAP)
    assert len(only(source)) == 2
    assert letters(source) == [(3, "line 4: 2 cells, the header has 4", b"3,4\r")]
    assert source.drain_refused() == []


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "cp1252"])
def test_a_mapping_says_how_text_is_encoded(tmp_path: Path, encoding: str) -> None:
    """The same customers, whatever the bytes; in Python's word for the encoding."""
    name = "Müller" if encoding == "cp1252" else "张三"
    data = f"ID;AT;WHO;SUM\r\n1;2026-01-05T10:00:00Z;{name};1,5\r\n".encode(encoding)
    spec = replace(MAP, encoding=encoding, delimiter=";", decimal=",")
    block = only(open_source(write(tmp_path / "a.csv", data), spec))
    assert customers(block) == [name]
    assert msgspec.json.decode(block.values[0])["amount"] == 1.5


def test_bytes_of_another_encoding_are_refused(tmp_path: Path) -> None:
    """What the stated encoding has not is no character of it; without one, UTF-8 is meant."""
    data = CARDS.replace(b"ann", "张三".encode("gbk"))
    source = open_source(write(tmp_path / "a.csv", data), MAP)
    assert customers(only(source)) == ['bob "b", jr.']
    detail = "WHO is not UTF-8, it looks like gb18030: add `encoding: gb18030` to its mapping"
    assert [each[:2] for each in letters(source)] == [(1, detail)]
    wrong = CARDS.replace(b"ann", b"a\xff\xffn")
    source = open_source(write(tmp_path / "a.csv", wrong), replace(MAP, encoding="gb18030"))
    assert customers(only(source)) == ['bob "b", jr.']
    assert [each[:2] for each in letters(source)] == [(1, "WHO is not gb18030")]


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbf{"event_time":1}\r\n{"event_time":2}\r\n',
        b' [{"event_time":1} ,\n{"event_time":2}]\n',
    ],
)
def test_json_of_ours_with_a_mark_or_in_an_array(tmp_path: Path, data: bytes) -> None:
    """A byte order mark is nothing, an array is its elements."""
    block = only(open_source(write(tmp_path / "logins.json", data)))
    assert block.times.tolist() == [1, 2]
    assert block.offsets.tolist() == [1, 2]
    assert block.values == [b'{"event_time":1}', b'{"event_time":2}']


def test_columns_inside_others_have_paths(tmp_path: Path) -> None:
    """In JSON through objects and arrays, a name with a dot first; in Parquet through structs."""
    fields = {
        "event_id": Field(column="a.id"),
        "event_time": Field(column="t"),
        "customer_id": Field(column="who.0.name"),
        "amount": Field(column="sum.value"),
    }
    spec = Mapping(Stream.TRANSACTION, fields)
    rows = [
        b'{"a":{"id":"no"},"a.id":"x","t":1,"who":[{"name":"ann"}],"sum":{"value":0.10}}',
        b'{"a":{"id":7},"t":2,"who":[],"sum":{"value":123456789012345678.25}}',
        b'{"a":{"id":8},"t":3,"sum":[]}',
        b'{"a":{"id":8},"t":3,"who":{"0":{"name":{}}}}',
    ]
    source = open_source(write(tmp_path / "a.jsonl", b"\n".join([*rows, b""])), spec)
    assert only(source).values == [
        b'{"stream":"transaction","event_id":"x","event_time":1,"customer_id":"ann","amount":0.10}',
        b'{"stream":"transaction","event_id":"7","event_time":2,"amount":123456789012345678.25}',
        b'{"stream":"transaction","event_id":"8","event_time":3}',
    ]
    assert [each[:2] for each in letters(source)] == [(4, "who.0.name holds nothing")]
    table = pa.table(
        {"a": [{"id": "x"}], "t": [1], "who": [{"0": {"name": "ann"}}], "sum.value": [1]}
    )
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    block = only(open_source(str(tmp_path / "a.parquet"), spec))
    assert block.values == [
        b'{"stream":"transaction","event_id":"x","event_time":1,"customer_id":"ann","amount":1}'
    ]


def test_the_root_may_be_an_array_of_rows(tmp_path: Path) -> None:
    """Each of its objects is a row; a line without the root is refused."""
    spec = replace(MAP, root="items", only={"kind": ["pay"]})
    row = b'{"ID":%d,"AT":5,"WHO":"ann","SUM":1,"kind":"%s"}'
    data = b'{"items":[' + row % (1, b"pay") + b"," + row % (2, b"refund") + b"]}\n{}\n"
    source = open_source(write(tmp_path / "a.jsonl", data), spec)
    assert [msgspec.json.decode(each)["event_id"] for each in only(source).values] == ["1"]
    assert source.skipped == {Skip.NOT_WANTED: 1}
    assert [each[:2] for each in letters(source)] == [(2, "no JSON object at items")]


def test_parquet(tmp_path: Path) -> None:
    """Parquet columns with types of their own; others are not read."""
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "ID": [1, 2],
            "AT": pa.array([0, 1_000_000], pa.timestamp("us")),
            "WHO": [7, 8],
            "SUM": [1.5, 2.25],
            "LABEL": [0, 1],
        }
    )
    pa.parquet.write_table(table, path)
    source = open_source(str(path), MAP)
    block = only(source)
    assert block.times.tolist() == [0, 1000]
    assert block.values[1] == (
        b'{"stream":"transaction","event_id":"2","event_time":1000,"customer_id":"8",'
        b'"kind":"card","direction":"debit","amount":2.25}'
    )
    assert source.done_bytes() == source.total_bytes == path.stat().st_size


def test_foreign_json_lines(tmp_path: Path) -> None:
    """JSON objects with other names are mapped; a line that is none is refused."""
    data = b'{"ID":"1","AT":5,"WHO":"ann","SUM":1}\nnonsense\n{"ID":"2","AT":6,"WHO":"bob"}\n'
    source = open_source(write(tmp_path / "a.jsonl", data), MAP)
    block = only(source)
    assert customers(block) == ["ann", "bob"]
    assert block.times.tolist() == [5, 6]
    assert block.offsets.tolist() == [1, 3]
    assert letters(source) == [(2, "JSON is malformed: invalid character (byte 4)", b"nonsense")]


def test_a_text_log_by_the_first_pattern_found(tmp_path: Path) -> None:
    """Lines without any pattern are skipped with the reason; rows keep their line numbers."""
    data = b"""Dec 10 06:55:46 h sshd[1]: Invalid user x from 10.0.0.1
Dec 10 06:55:48 h sshd[1]: Failed password for invalid user my x from 10.0.0.1 port 9 ssh2
Dec  9 09:32:20 h sshd[2]: Accepted password for ann from 10.0.0.2 port 9 ssh2
Dec 10 06:55:48 h sshd[3]: Failed none for invalid user  from 10.0.0.1 port 9 ssh2
"""
    name = write(tmp_path / "sshd.log", data)
    os.utime(name, (1_481_400_000, 1_481_400_000))  # of 2016, as its lines are
    source = open_source(name, mapping.read("sshd"))
    block = only(source)
    first, second, third = (msgspec.json.decode(value) for value in block.values)
    assert first == {
        "stream": "login",
        "event_id": "sshd-1-2",
        "event_time": 1_481_324_148_000,
        "customer_id": "my x",
        "kind": "login",
        "success": False,
        "failure_reason": "unknown_user",
        "method": "password",
        "channel": "ssh",
        "ip": "10.0.0.1",
    }
    assert second["success"] is True
    assert "failure_reason" not in second
    assert third["customer_id"] == "(empty)"
    assert block.offsets.tolist() == [2, 3, 4]
    assert source.skipped == {Skip.NO_PATTERN: 1}


@pytest.mark.parametrize("name", ["logins.jsonl", "login-2026.jsonl.gz", "Logins.ndjson"])
def test_lines_of_ours_pass_untouched(tmp_path: Path, name: str) -> None:
    """The file's name tells the stream, blank lines are nothing, bad ones go to ingest."""
    block = only(open_source(write(tmp_path / name, OURS)))
    assert block.times.tolist() == [1000, -1, -1]
    assert block.streams.tolist() == [1, 1, 1]
    assert block.offsets.tolist() == [1, 3, 4]
    assert block.values == [line for line in OURS.split(b"\n") if line]


def test_lines_may_state_their_stream(tmp_path: Path) -> None:
    """A mixed file: each line says its stream; one that does not is skipped and counted."""
    data = b'{"event_time":1,"stream":"login"}\n{"event_time":2}\n{"stream":"complaint"}\n'
    source = open_source(write(tmp_path / "mixed.jsonl", b'{"stream":"login",}\n' + data))
    block = only(source)
    assert block.streams.tolist() == [1, 2]
    assert source.skipped == {Skip.NO_STREAM: 1}
    (letter,) = letters(source)  # what is no JSON tells no stream, and is not lost for that
    assert letter[::2] == (1, b'{"stream":"login",}')


def test_the_stream_given_stands_before_the_name(tmp_path: Path) -> None:
    """``--stream`` wins over the file's name, a line's own word over both."""
    data = b'{"event_time":1}\n{"event_time":2,"stream":"transaction"}\n'
    block = only(open_source(write(tmp_path / "logins.jsonl", data), stream=Stream.COMPLAINT))
    assert block.streams.tolist() == [2, 0]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` is standard input: JSON lines, or CSV where the first byte is no brace."""
    for data, spec in [(CARDS, MAP), (b'{"event_time":1,"customer_id":"ann"}\n', None)]:
        stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(data)))
        monkeypatch.setattr("sys.stdin", stdin)
        source = open_source("-", spec, Stream.TRANSACTION)
        assert customers(only(source))[0] == "ann"
        assert source.total_bytes == 0


def test_a_table_of_ours_needs_no_mapping(tmp_path: Path) -> None:
    """A CSV whose columns have our names is read by the stream in its name."""
    data = b"event_id,event_time,customer_id,kind,success,more\n1,5,ann,login,true,x\n"
    block = only(open_source(write(tmp_path / "logins.csv", data)))
    assert block.values == [
        (
            b'{"stream":"login","event_time":5,"customer_id":"ann","event_id":"1",'
            b'"kind":"login","success":true}'
        )
    ]
