"""``sentinel desk user`` and ``sentinel audit``: accounts, and a log of what was done to them."""

import json
import os
import pwd
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from tests.zygote import run
from typer.testing import CliRunner

from sentinel.cli import app

PASSWORD = "correct horse battery"


class Shell:
    """The command line with a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/history.db"
        self.file = folder / "password"
        self.file.write_text(f"{PASSWORD}\n", "utf-8")

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a verb."""
        return run(*arguments, environment={"SENTINEL_HISTORY": self.url})

    def add(self, name: str, role: str = "analyst") -> subprocess.CompletedProcess[str]:
        """Add a user of the desk ``fraud``."""
        options = ("--role", role, "--desk", "fraud", "--password-file", self.file)
        return self("desk", "user", "add", name, *options)

    def spoil(self, statement: str) -> None:
        """Change the database behind Sentinel's back."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """No users, no lines."""
    return Shell(tmp_path)


def test_a_user_is_added_changed_and_listed(shell: Shell) -> None:
    """What was done is one line each, and in the audit log with who did it."""
    added = shell.add("li.wei")
    assert (added.returncode, added.stderr) == (0, "")
    assert added.stdout == "li.wei\tanalyst\tfraud\tenabled\tnever logged in\n"
    changed = shell("desk", "user", "set", "li.wei", "--role", "senior", "--disable")
    assert changed.stdout == "li.wei\tsenior\tfraud\tdisabled\tnever logged in\n"
    listed = json.loads(shell("desk", "user", "list", "--json").stdout)
    assert [(each["name"], each["role"], each["enabled"]) for each in listed] == [
        ("li.wei", "senior", False)
    ]
    done = shell("desk", "user", "password", "li.wei", "--password-file", shell.file)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "the password is changed\n")
    lines = [json.loads(line) for line in shell("audit", "show", "--json").stdout.splitlines()]
    assert [line["action"] for line in lines] == [
        "user_added",
        "user_changed",
        "password_changed",
    ]
    assert {line["actor"] for line in lines} == {f"os:{pwd.getpwuid(os.getuid()).pw_name}"}
    assert PASSWORD not in json.dumps([lines, listed])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "zoe", "--role", "boss"), "--role: boss is not viewer, analyst, senior"),
        (("set", "zoe", "--enable"), "there is no user zoe"),
        (("set", "zoe"), "nothing to set: give --role, --desk, --enable or --disable"),
        (("password", "zoe"), "there is no user zoe"),
        (("add", "zoe", "--role", "viewer", "--password-file", "/no/file"), "/no/file: No such"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    shell: Shell, arguments: tuple[str, ...], message: str
) -> None:
    """And exit code 1."""
    done = shell("desk", "user", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"sentinel: {message}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("content", ["", "short\n", f"{PASSWORD}\nsecond line\n"])
def test_a_password_file_that_is_wrong_is_not_shown(shell: Shell, content: str) -> None:
    """One line about it, without what is in it."""
    shell.file.write_text(content, "utf-8")
    done = shell.add("zoe")
    assert (done.returncode, done.stdout) == (1, "")
    assert "password" in done.stderr
    assert "short" not in done.stderr
    assert "horse" not in done.stderr


def test_a_chain_that_is_whole_prints_its_head(shell: Shell) -> None:
    """To be noted outside of the database, and given again later."""
    shell.add("li.wei")
    first = shell("audit", "verify")
    word, _, head = first.stdout.rstrip("\n").partition("\t")
    assert (first.returncode, word, head[:2]) == (0, "whole", "1:")
    shell.add("zoe")
    again = shell("audit", "verify", "--head", head, "--json")
    found = json.loads(again.stdout)
    assert (again.returncode, found["whole"], found["lines"], found["broken"]) == (
        0,
        True,
        2,
        None,
    )


def test_a_broken_chain_is_exit_code_1_and_one_line(shell: Shell) -> None:
    """With the number of the line; as JSON, too."""
    for name in ("li.wei", "zoe", "max"):
        shell.add(name)
    head = shell("audit", "verify").stdout.split("\t")[1].strip()
    shell.spoil("DELETE FROM desk_audit WHERE number = 3")
    assert shell("audit", "verify").returncode == 0
    cut = shell("audit", "verify", "--head", head)
    assert (cut.returncode, cut.stdout) == (1, "")
    assert cut.stderr == "sentinel: the audit log is broken: line 3 is missing\n"
    shell.spoil("UPDATE desk_audit SET subject = 'other', at_ms = 'never' WHERE number = 1")
    changed = shell("audit", "verify", "--json")
    assert changed.returncode == 1
    assert json.loads(changed.stdout)["broken"] == {"number": 1, "problem": "changed"}
    assert shell("audit", "show", "--subject", "other").stdout.startswith("1\tnever\t")


@pytest.mark.parametrize("head", ["7", "7:abc", f"-1:{'0' * 64}", f"x:{'0' * 64}"])
def test_a_head_that_is_none_is_refused(shell: Shell, head: str) -> None:
    """A typing mistake is not a broken chain."""
    done = shell("audit", "verify", f"--head={head}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sentinel: --head: ")


def test_lines_are_shown_by_actor_and_in_parts(shell: Shell) -> None:
    """As many as asked, after a number."""
    for name in ("li.wei", "zoe", "max"):
        shell.add(name)
    shown = shell("audit", "show", "--after", "1", "--most", "1").stdout
    assert shown.split("\t")[0] == "2"
    assert shown.count("\n") == 1
    assert shell("audit", "show", "--actor", "nobody").stdout == ""
    assert shell("audit", "show", "--subject", "max").stdout.count("\n") == 1


def test_a_database_that_cannot_be_opened_names_the_setting() -> None:
    """One line."""
    done = run("audit", "verify", environment={"SENTINEL_HISTORY": "sqlite:////no/folder/x.db"})
    assert done.returncode == 1
    assert done.stderr.startswith("sentinel: SENTINEL_HISTORY: ")


@pytest.mark.parametrize(
    ("typed", "added"),
    [(f"{PASSWORD}\n{PASSWORD}\n", True), (f"{PASSWORD}\nother\n", False)],
)
def test_a_password_is_asked_twice_and_not_shown(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, typed: str, added: bool
) -> None:
    """Two that differ are asked again: here the input ends."""
    monkeypatch.setenv("SENTINEL_HISTORY", shell.url)
    asked = CliRunner().invoke(app, ["desk", "user", "add", "zoe", "--role", "viewer"], input=typed)
    assert "Password" in asked.output
    assert "horse" not in asked.output
    assert (asked.exit_code == 0) == added
    assert ("zoe" in shell("desk", "user", "list").stdout) == added
