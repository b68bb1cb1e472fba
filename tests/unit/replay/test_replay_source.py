"""Files of every sort as blocks of event JSON."""

import gzip
import io
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet
import pytest

from sentinel.model.document import parse
from sentinel.model.events import Stream
from sentinel.replay import mapping
from sentinel.replay.block import Block, ReplayError, Skip
from sentinel.replay.source import Source, open_source

CARDS = b"""ID,AT,WHO,SUM\r
1,2026-01-05T10:00:00Z,ann,5.50\r
2,2026-01-05T10:00:01Z,"bob ""b"", jr.",7\r
"""
MAP = mapping.load(
    parse(
        """
stream: transaction
fields:
  event_id: ID
  event_time: AT
  customer_id: WHO
  kind: {value: card}
  direction: {value: debit}
  amount: SUM
""",
        "map.yaml",
    )
)


def _write(path: Path, data: bytes) -> str:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def _only(source: Source) -> Block:
    (block,) = source.blocks()
    return block


def _customers(block: Block) -> list[str]:
    return [msgspec.json.decode(value)["customer_id"] for value in block.values]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv"])
def test_delimited_text(tmp_path: Path, name: str) -> None:
    """CSV with quotes and Windows line ends, zipped or not, and with tabs."""
    data = CARDS
    if name == "a.tsv":
        data = b'\xef\xbb\xbfID\tAT\tWHO\tSUM\n1\t0\tann\t1\n2\t0\t"bob ""b"", jr."\t2\n'
    block = _only(open_source(_write(tmp_path / name, data), MAP))
    assert _customers(block) == ["ann", 'bob "b", jr.']
    assert block.offsets.tolist() == [1, 2]
    assert set(block.streams.tolist()) == {0}


def test_ragged_rows_are_skipped_and_counted(tmp_path: Path) -> None:
    """A row with too few cells does not stop the file."""
    source = open_source(_write(tmp_path / "a.csv", CARDS + b"3,4\r\n"), MAP)
    assert len(_only(source)) == 2
    assert source.skipped == {Skip.RAGGED: 1}


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
    block = _only(source)
    assert block.times.tolist() == [0, 1000]
    assert block.values[1] == (
        b'{"stream":"transaction","event_id":"2","event_time":1000,"customer_id":"8",'
        b'"kind":"card","direction":"debit","amount":2.25}'
    )
    assert source.done_bytes() == source.total_bytes == path.stat().st_size


def test_foreign_json_lines(tmp_path: Path) -> None:
    """JSON objects with other names are mapped; a line that is none is skipped."""
    data = b'{"ID":"1","AT":5,"WHO":"ann","SUM":1}\nnonsense\n{"ID":"2","AT":6,"WHO":"bob"}\n'
    source = open_source(_write(tmp_path / "a.jsonl", data), MAP)
    block = _only(source)
    assert _customers(block) == ["ann", "bob"]
    assert block.times.tolist() == [5, 6]
    assert block.offsets.tolist() == [1, 3]
    assert source.skipped == {Skip.NOT_JSON: 1}


def test_a_text_log_by_the_first_pattern_found(tmp_path: Path) -> None:
    """Lines without any pattern are skipped with the reason; rows keep their line numbers."""
    data = b"""Dec 10 06:55:46 h sshd[1]: Invalid user x from 10.0.0.1
Dec 10 06:55:48 h sshd[1]: Failed password for invalid user my x from 10.0.0.1 port 9 ssh2
Dec  9 09:32:20 h sshd[2]: Accepted password for ann from 10.0.0.2 port 9 ssh2
Dec 10 06:55:48 h sshd[3]: Failed none for invalid user  from 10.0.0.1 port 9 ssh2
"""
    source = open_source(_write(tmp_path / "sshd.log", data), mapping.read("sshd"))
    block = _only(source)
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


OURS = b'{"event_id":"1","event_time":"1970-01-01T00:00:01Z"}\n\nbroken\n{"event_time":"soon"}\n'


@pytest.mark.parametrize("name", ["logins.jsonl", "login-2026.jsonl.gz", "Logins.ndjson"])
def test_lines_of_ours_pass_untouched(tmp_path: Path, name: str) -> None:
    """The file's name tells the stream, blank lines are nothing, bad ones go to ingest."""
    block = _only(open_source(_write(tmp_path / name, OURS)))
    assert block.times.tolist() == [1000, -1, -1]
    assert block.streams.tolist() == [1, 1, 1]
    assert block.offsets.tolist() == [1, 3, 4]
    assert block.values == [line for line in OURS.split(b"\n") if line]


def test_lines_may_state_their_stream(tmp_path: Path) -> None:
    """A mixed file: each line says its stream; one that does not is skipped and counted."""
    data = b'{"event_time":1,"stream":"login"}\n{"event_time":2}\n{"stream":"complaint"}\n'
    source = open_source(_write(tmp_path / "mixed.jsonl", data))
    block = _only(source)
    assert block.streams.tolist() == [1, 2]
    assert source.skipped == {Skip.NO_STREAM: 1}


def test_the_stream_given_stands_before_the_name(tmp_path: Path) -> None:
    """``--stream`` wins over the file's name, a line's own word over both."""
    data = b'{"event_time":1}\n{"event_time":2,"stream":"transaction"}\n'
    block = _only(open_source(_write(tmp_path / "logins.jsonl", data), stream=Stream.COMPLAINT))
    assert block.streams.tolist() == [2, 0]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` is standard input: JSON lines, or CSV where the first byte is no brace."""
    for data, spec in [(CARDS, MAP), (b'{"event_time":1,"customer_id":"ann"}\n', None)]:
        stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(data)))
        monkeypatch.setattr("sys.stdin", stdin)
        source = open_source("-", spec, Stream.TRANSACTION)
        assert _customers(_only(source))[0] == "ann"
        assert source.total_bytes == 0


def test_a_table_of_ours_needs_no_mapping(tmp_path: Path) -> None:
    """A CSV whose columns have our names is read by the stream in its name."""
    data = b"event_id,event_time,customer_id,kind,success,more\n1,5,ann,login,true,x\n"
    block = _only(open_source(_write(tmp_path / "logins.csv", data)))
    assert block.values == [
        (
            b'{"stream":"login","event_time":5,"customer_id":"ann","event_id":"1",'
            b'"kind":"login","success":true}'
        )
    ]


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
    _write(tmp_path / name, data)
    with pytest.raises(ReplayError) as caught:
        list(open_source(name, spec).blocks())
    assert str(caught.value) == message


def test_a_zipped_file_cut_short_says_so(tmp_path: Path) -> None:
    """A broken archive is an error of one line, after the rows that could be read."""
    path = tmp_path / "logins.jsonl.gz"
    path.write_bytes(gzip.compress(OURS * 50)[:-12])
    with pytest.raises(ReplayError, match="ended before the end-of-stream marker"):
        list(open_source(str(path)).blocks())
