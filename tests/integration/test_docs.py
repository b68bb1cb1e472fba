"""README and docs: what a reader copies runs, or the page says why not."""

import gzip
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from pyarrow import parquet
from ruamel.yaml import YAML
from tests.integration.blocks import Block, PageError, blocks
from typer.core import TyperGroup
from typer.testing import CliRunner, Result

from sentinel.cli import app
from sentinel.model.file import read_document
from sentinel.settings import shipped_configs

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted(ROOT.glob("docs/*.md"))]
BLOCKS = [
    block
    for page in PAGES
    for block in blocks(page.relative_to(ROOT).as_posix(), page.read_text("utf-8"))
]
CONSOLE = [each for each in BLOCKS if each.language in ("console", "sh", "bash")]
CONFIGURATION = [each for each in BLOCKS if each.language == "yaml" and not each.not_run]
CONDITIONS = [each for each in BLOCKS if each.language == "cel" and not each.not_run]
WRITTEN = CONFIGURATION[0]  # the rule that the README's reader writes
LINT = 3  # a finding, such as a rule without a runbook, is no error


def _once(console: list[Block]) -> list[Block]:
    """Without blocks whose commands stand on another page too, such as the Chinese README."""
    return list({each.commands: each for each in reversed(console)}.values())


def _invoke(*words: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in words])


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages take for granted."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("configs", "new"):
        shutil.copytree(shipped_configs(), folder / name)
    shutil.copy(folder / "configs" / "rules" / "operational.yaml", folder)
    (folder / "configs" / "rules" / "mine.yaml").write_text(WRITTEN.text, "utf-8")
    done = _invoke("simulate", "--customers", 10, "--days", 32, "--out", folder)
    assert done.exit_code == 0, done.output
    shutil.copy(folder / "labels.jsonl", folder / "confirmed.jsonl")
    with gzip.open(folder / "2026-09.jsonl.gz", "wb") as packed:
        packed.write((folder / "events.jsonl").read_bytes())
    transaction = {
        "TRANSACTION_ID": [1],
        "TX_DATETIME": ["2026-09-01T10:00:00Z"],
        "CUSTOMER_ID": [7],
        "TERMINAL_ID": [3],
        "TX_AMOUNT": [12.5],
    }
    parquet.write_table(pa.table(transaction), folder / "transactions.parquet")
    return folder


@pytest.fixture
def folder(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same for one test: it is the current folder, and home."""
    shutil.copytree(given, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "block", _once([each for each in CONSOLE if not each.not_run]), ids=lambda block: block.location
)
def test_what_a_console_block_shows_runs(
    block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command in turn ends well; a block with others is marked, with the reason."""
    assert block.commands, f"{block.location}: no command"
    for command, *words in block.commands:
        expanded = [str(Path(each).expanduser()) if each[0] == "~" else each for each in words]
        if command == "export":
            for name, _, value in (each.partition("=") for each in words):
                monkeypatch.setenv(name, str(Path(value).expanduser()))
            continue
        assert command == "sentinel", f"{block.location}: cannot run {command}: mark the block"
        arguments, out = expanded, None
        if ">" in expanded:
            *arguments, _, out = expanded
        done = _invoke(*arguments)
        assert done.exit_code in (0, LINT), f"{block.location}: {words}: {done.output}"
        if out is not None:
            (folder / out).write_bytes(done.stdout_bytes)


@pytest.mark.parametrize(
    "block", _once([each for each in CONSOLE if each.not_run]), ids=lambda block: block.location
)
@pytest.mark.usefixtures("folder")
def test_what_is_not_run_could_be(block: Block) -> None:
    """Its verbs, options and make targets are there."""
    makefile = (ROOT / "Makefile").read_text("utf-8").splitlines()
    for command, *words in block.commands:
        if command == "make":
            targets = [word for word in words if "=" not in word]
            assert all(any(line.startswith(f"{each}:") for line in makefile) for each in targets)
        if command == "sentinel":
            verb: Any = typer.main.get_command(app)
            while isinstance(verb, TyperGroup):
                assert words[0] in verb.commands, f"{block.location}: no verb {words[0]}"
                verb = verb.commands[words.pop(0)]
            verb.make_context("sentinel", words)


def test_the_readme_shows_what_check_says_of_a_wrong_name(folder: Path) -> None:
    """The line, the column and the hint are those of its own rule, misspelt."""
    wrong = WRITTEN.text.replace("senders_24h", "sender_24h")
    (folder / "configs" / "rules" / "mine.yaml").write_text(wrong, "utf-8")
    done = _invoke("check", folder / "configs")
    shown = done.stderr.removeprefix("sentinel: ").strip()
    assert f"# {shown}\n" in README.read_text("utf-8")


@pytest.mark.parametrize("block", CONFIGURATION, ids=lambda block: block.location)
def test_a_configuration_block_passes_check(block: Block, folder: Path) -> None:
    """Its first line names the file; together with all others that are shipped it is accepted."""
    named = block.lines[0].removeprefix("# ").partition(":")[0]
    assert named.startswith("configs/"), f"{block.location}: name the file: # configs/..."
    file = folder / named
    written = block.text
    if file.parent == folder / "configs":  # such a file has more than the block
        shown = folder / "shown.yaml"
        shown.write_text(written, "utf-8")
        whole = _merged(read_document(file).data, read_document(shown).data)
        with file.open("w", encoding="utf-8") as out:
            YAML(typ="safe").dump(whole, out)
    else:
        file.write_text(written, "utf-8")
    done = _invoke("check", folder / "configs")
    assert done.exit_code in (0, LINT), f"{block.location}: {done.output}"
    if file.parent.name == "rules":
        for rule in read_document(file).data["rules"]:
            if "tests" in rule:
                done = _invoke("test", folder / "configs", "--rule", rule["id"])
                assert done.exit_code == 0, f"{block.location}: {done.output}"


def _merged(base: Any, more: Any) -> Any:
    """Mappings are merged; anything else of ``more`` takes the place of what was there."""
    if not isinstance(base, dict) or not isinstance(more, dict):
        return more
    return base | {key: _merged(base.get(key), value) for key, value in more.items()}


@pytest.mark.parametrize("block", CONDITIONS, ids=lambda block: block.location)
def test_a_condition_passes_check(block: Block, folder: Path) -> None:
    """As that of a rule on transactions."""
    rule = {
        "id": "docs.condition",
        "title": {"en": "Docs", "zh": "文档"},
        "risk": "operational",
        "severity": 50,
        "on": "transaction",
        "when": block.text,
    }
    with (folder / "configs" / "rules" / "docs.yaml").open("w", encoding="utf-8") as out:
        YAML(typ="safe").dump({"rules": [rule]}, out)
    done = _invoke("check", folder / "configs")
    assert done.exit_code in (0, LINT), f"{block.location}: {done.output}"


def test_every_block_is_of_a_known_sort() -> None:
    """A block in another language would be neither run nor checked."""
    known = {"text", "console", "sh", "bash", "yaml", "cel"}
    unknown = [each.location for each in BLOCKS if each.language not in known]
    # The examples of extending.md are run by tests/unit/docs/test_docs_extending.py.
    assert [each for each in unknown if not each.startswith("docs/extending.md:")] == []
    assert len(CONSOLE) > 10
    assert len(CONFIGURATION) >= 4


def test_a_block_has_its_commands_and_the_reason_why_it_is_not_run() -> None:
    """Comments are no words, output is no command; the marker stands directly before."""
    page = (
        "x\n<!-- not run: needs Kafka -->\n```console\n$ a 'b c' # d\nout\n```\n\n```yaml\n1\n```"
    )
    first, second = blocks("p.md", page)
    assert (first.location, first.not_run, first.commands) == (
        "p.md:3",
        "needs Kafka",
        (("a", "b c"),),
    )
    assert (second.location, second.not_run, second.text) == ("p.md:8", None, "1\n")


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("<!-- not run -->\n```sh\na\n```\n", "p.md:1: a block that is not run needs a reason"),
        ("<!-- not run: -->\n```sh\na\n```\n", "p.md:1: a block that is not run needs a reason"),
        ("<!-- not run: slow -->\n\n```sh\na\n```\n", "p.md:1: no block follows"),
        ("\n```sh\na\n", "p.md:2: the block does not end"),
    ],
)
def test_a_marker_without_reason_or_block_is_refused(page: str, message: str) -> None:
    """So is a block without end."""
    with pytest.raises(PageError, match=f"^{message}$"):
        list(blocks("p.md", page))
