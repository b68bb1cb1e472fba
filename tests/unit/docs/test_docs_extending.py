"""The examples of docs/extending.md: what they cost, and that they work."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "extending.md"
SUITES = {
    "tests/unit/docs/extending_examples.py": "",
    "tests/properties/test_features_oracle.py": "every_kind_equals_its_oracle",
    "tests/unit/detect/test_detect_contract.py": "distance",
    "tests/unit/delivery/test_delivery_channels.py": "mattermost",
    "tests/unit/delivery/test_delivery_robots.py": "mattermost",
    "tests/unit/test_engine_stages.py": "stateful_or_known",
}
"""What is run on the changed sources: a file, and which of its tests."""

_ROW = re.compile(r"^\| \[([^\]]+)\]\(#[\w-]+\) \| (\d+) \| (\d+) \|$", re.MULTILINE)
_FILE = re.compile(r"^`([\w./]+)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DIFF = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CHANGED = re.compile(r"^\+\+\+ b/(\S+)$", re.MULTILINE)


def _sections() -> dict[str, str]:
    """The text of each section by its heading."""
    _, *sections = PAGE.read_text("utf-8").split("\n## ")
    return {title: text for title, _, text in (each.partition("\n") for each in sections)}


def _files(example: str) -> set[str]:
    """The paths that an example adds or changes."""
    changed = {path for diff in _DIFF.findall(example) for path in _CHANGED.findall(diff)}
    return changed | {path for path, _ in _FILE.findall(example)}


def _apply(example: str, root: Path) -> None:
    """Add and change the files of an example below ``root``."""
    for path, text in _FILE.findall(example):
        assert not (root / path).exists(), path
        (root / path).write_text(text, "utf-8")
    for diff in _DIFF.findall(example):
        # Line numbers drift as the sources change; context lines have to be right.
        done = subprocess.run(
            ["git", "apply", "-"],
            cwd=root,
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)},
            input=diff,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"docs/extending.md does not apply: {done.stderr}"


def test_the_table_counts_the_source_files_of_each_example() -> None:
    """Every row has a section, and the number is that of its files below src/."""
    rows = {title: int(now) for title, _, now in _ROW.findall(PAGE.read_text("utf-8"))}
    sections = _sections()
    assert rows == {
        title: sum(path.startswith("src/") for path in _files(text))
        for title, text in sections.items()
    }
    assert len(rows) == 9


@pytest.mark.process
def test_the_examples_work(tmp_path: Path) -> None:
    """All at once on a copy: the contract suites and the examples' own tests pass.

    Kernels are interpreted, which is quicker than to compile them for so few events.
    """
    for name in ("src", "tests", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for text in _sections().values():
        _apply(text, tmp_path)
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    wanted = " or ".join(each for each in SUITES.values() if each)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"),
            *("-k", f"extending_examples or {wanted}", *SUITES),
        ],
        cwd=tmp_path,
        env={**mine, "PYTHONPATH": str(tmp_path / "src"), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
