"""``--history``: replay, backtest and export of the archive equal those of files."""

import gzip
import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from tests.zygote import run

from sentinel.history.archive import Archive
from sentinel.model.events import Stream
from sentinel.model.step import Chunk
from sentinel.settings import read_configuration

PARTITIONS = 3
CHUNK = 700
SPAN = "2000-01-01..2100-01-01"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The events and labels of a simulated bank."""
    folder = tmp_path_factory.mktemp("bank")
    where = ("--out", folder, "--customers", 120, "--days", 2, "--attacks-per-day", 40)
    assert run("simulate", *where).returncode == 0
    return folder


def _archived(folder: Path, bank: Path, *, shuffled: bool) -> Path:
    """The bank's events in an archive as if they had come by Kafka: partitioned by customer.

    If ``shuffled``, records are appended up to a hundred places from their own.
    """
    lines = (bank / "events.jsonl").read_bytes().splitlines()
    chance = random.Random(5)
    if shuffled:
        lines = [
            line
            for _, line in sorted(
                (number + chance.uniform(0, 100), line) for number, line in enumerate(lines)
            )
        ]
    partitions: dict[tuple[Stream, int], list[tuple[int, bytes]]] = {}
    for number, line in enumerate(lines):
        event = msgspec.json.decode(line)
        partition = crc32(event["customer_id"].encode()) % PARTITIONS
        key = Stream(event["stream"]), partition
        partitions.setdefault(key, []).append((1_700_000_000_000 + number, line))
    _append(Archive(folder, read_configuration(None).bounds.ingest), partitions)
    return folder


def _append(
    archive: Archive, partitions: Mapping[tuple[Stream, int], Sequence[tuple[int, bytes]]]
) -> None:
    for (stream, partition), records in partitions.items():
        for first in range(0, len(records), CHUNK):
            part = records[first : first + CHUNK]
            offsets = list(range(first, first + len(part)))
            recorded, values = [each[0] for each in part], [each[1] for each in part]
            nothing = [None] * len(part)
            archive.append(
                Chunk(stream, stream, partition, offsets, recorded, [*nothing], [*values])
            )
            archive.flush()


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_replay_of_the_archive_gives_the_alerts_of_the_files(
    bank: Path, tmp_path: Path, shuffled: bool
) -> None:
    """The same bytes, also where partitions are out of order of event time."""
    archive = _archived(tmp_path / "archive", bank, shuffled=shuffled)
    of_files = run("replay", bank / "events.jsonl", "--quiet")
    of_archive = run("replay", "--history", SPAN, "--archive", archive, "--quiet")
    assert (of_files.returncode, of_archive.returncode) == (0, 0), of_archive.stderr
    assert of_files.stdout.count("\n") > 10
    assert of_archive.stdout == of_files.stdout


def test_a_backtest_of_the_archive_gives_the_figures_of_the_files(
    bank: Path, tmp_path: Path
) -> None:
    """With labels: every figure is the same; the folder may come from the settings."""
    archive = _archived(tmp_path / "archive", bank, shuffled=False)
    labelled = ("--labels", bank / "labels.jsonl", "--json", "--quiet")
    of_files = run("backtest", bank / "events.jsonl", *labelled)
    setting = {"SENTINEL_ARCHIVE": str(archive)}
    of_archive = run("backtest", "--history", SPAN, *labelled, environment=setting)
    assert (of_files.returncode, of_archive.returncode) == (0, 0), of_archive.stderr
    assert json.loads(of_files.stdout)["new"]["events"] > 1_000
    assert of_archive.stdout == of_files.stdout


def test_an_export_is_replayed_like_the_archive(bank: Path, tmp_path: Path) -> None:
    """JSON lines with their streams, of a span; compressed by the file's name."""
    archive = _archived(tmp_path / "archive", bank, shuffled=True)
    times = sorted(
        msgspec.json.decode(line)["event_time"]
        for line in (bank / "events.jsonl").read_bytes().splitlines()
    )
    middle_ms = times[len(times) // 2]
    middle = datetime.fromtimestamp(middle_ms / 1000, UTC).isoformat()
    where = ("--history", f"2000-01-01..{middle}", "--archive", archive)
    file = tmp_path / "events.jsonl.gz"
    done = run("history", "export", "--to", file, *where)
    before = sum(time < middle_ms for time in times)
    assert (done.returncode, done.stderr) == (0, f"{before:,} events\n")
    replayed = [run("replay", *what, "--quiet").stdout for what in (where, (file,))]
    assert replayed[0] == replayed[1] != ""
    done = run("history", "export", "--to", tmp_path / "a.jsonl", *where, "--stream", "login")
    assert done.returncode == 0
    logins = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert {each["stream"] for each in logins} == {"login"}
    with gzip.open(file) as lines:
        assert sum(b'"stream":"login"' in line for line in lines) == len(logins)


@pytest.mark.parametrize(
    "verb", [("replay",), ("backtest",), ("history", "export", "--to", "a.jsonl")]
)
def test_a_span_without_events_is_one_line(tmp_path: Path, verb: tuple[str, ...]) -> None:
    """Exit 1, and nothing is written."""
    to = [str(tmp_path / each) if each == "a.jsonl" else each for each in verb]
    where = ("--history", "2026-09-01..2026-10-01", "--archive", tmp_path / "none")
    done = run(*to, *where)
    message = f"sentinel: {tmp_path}/none: no events in 2026-09-01..2026-10-01\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name files, or give --history FROM..TO"),
        (["a.jsonl", "--history", SPAN], "give no files and no --map"),
        (["a.jsonl", "--archive", "x"], "--archive goes with --history"),
        (["--history", "september"], '"september" is not FROM..TO'),
        (["--history", "2026-10-01..2026-09-01"], "FROM is not before TO"),
    ],
)
def test_what_does_not_fit_is_wrong_usage(arguments: list[str], message: str) -> None:
    """Exit 2 and the reason."""
    done = run("replay", *arguments, environment={"COLUMNS": "200"})
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_no_archive_is_told() -> None:
    """Where the settings name none, --archive must."""
    done = run("replay", "--history", SPAN, environment={"SENTINEL_ARCHIVE": "none"})
    message = "sentinel: SENTINEL_ARCHIVE: there is no archive; give --archive FOLDER\n"
    assert (done.returncode, done.stderr) == (1, message)
