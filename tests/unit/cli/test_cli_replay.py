"""``sentinel replay`` at its edges: what goes where, and what ends it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.zygote import run

GOOD = '{"event_id":"%d","event_time":%d,"customer_id":"c","kind":"login","success":false}\n'


def _replay(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return run("replay", *arguments, given=given)


def _logins(count: int) -> str:
    return "".join(GOOD % (n, 1_767_578_400_000 + n * 1000) for n in range(count))


def test_dead_letters_are_written_with_their_row(tmp_path: Path) -> None:
    """A refused row is found again by file and line, and the rest is replayed."""
    file, refused = tmp_path / "logins.jsonl", tmp_path / "refused.jsonl"
    file.write_text(_logins(2) + "nonsense\n" + _logins(1))
    done = _replay(file, "--dead-letters", refused)
    assert done.returncode == 0
    assert "dead letters           1   malformed 1" in done.stderr
    (letter,) = map(json.loads, refused.read_text().splitlines())
    assert letter == {
        "file": str(file),
        "row": 3,
        "reason": "malformed",
        "detail": letter["detail"],
        "value": "nonsense",
    }


def test_standard_input_and_quiet() -> None:
    """``-`` reads a pipe; with --quiet only alerts are said."""
    done = _replay("-", "--stream", "login", "--quiet", given=_logins(40))
    assert (done.returncode, done.stderr) == (0, "")
    assert all(json.loads(line)["specversion"] == "1.0" for line in done.stdout.splitlines())
    assert done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch.jsonl"], "sentinel: nosuch.jsonl: No such file or directory\n"),
        (
            ["-", "--map", "card"],
            (
                'sentinel: no mapping "card": give a file, or one of adyen, cards, '
                "complaints, debezium, iso8583, narratives, paysim, sparkov, sshd, stripe\n"
            ),
        ),
        (
            ["-"],
            (
                "sentinel: -: cannot tell which stream its lines are: give --stream, or name the "
                'file like transactions.jsonl, or put "stream" in each line\n'
            ),
        ),
        (
            ["-", "--configs", "nosuch"],
            "sentinel: nosuch: not a folder of configuration files\n",
        ),
    ],
)
def test_what_the_user_can_mend_is_one_line(arguments: list[str], message: str) -> None:
    """Exit 1 and the reason, no traceback."""
    done = _replay(*arguments, given=_logins(1))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)


def test_a_reader_that_goes_away_is_no_error() -> None:
    """``sentinel replay ... | head`` ends without a word."""
    command = [sys.executable, "-m", "sentinel", "replay", "-", "--stream", "login", "--quiet"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(_logins(40))
        process.stdin.close()
        assert process.stderr.read() == ""
