"""The README's table of rooms: every package has a row, and every row has a folder."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "sentinel"
READMES = {"README.md": "## Where things are", "README.zh.md": "## 目录说明"}

_ROW = re.compile(r"^\| (`[^|]*) \|", re.MULTILINE)
_NAME = re.compile(r"`([^`]+)`")


def _rooms(page: str, heading: str) -> list[str]:
    """The paths in the first column of the table under a heading."""
    _, found, rest = (ROOT / page).read_text("utf-8").partition(f"{heading}\n")
    assert found, f"{page} has no heading {heading}"
    section = rest.partition("\n## ")[0]
    return [name for cell in _ROW.findall(section) for name in _NAME.findall(cell)]


def _packages() -> set[str]:
    """The packages of the distribution; the agents are linked into it from the top level."""
    found = {each.parent for each in SOURCE.glob("*/__init__.py")}
    return {each.name if each.is_symlink() else each.relative_to(ROOT).as_posix() for each in found}


@pytest.mark.parametrize(("page", "heading"), READMES.items(), ids=READMES)
def test_every_package_has_one_row(page: str, heading: str) -> None:
    """Neither forgotten nor told twice."""
    rooms = _rooms(page, heading)
    assert len(_packages()) > 20
    assert _packages() - set(rooms) == set()
    assert sorted(rooms) == sorted(set(rooms))


@pytest.mark.parametrize(("page", "heading"), READMES.items(), ids=READMES)
def test_no_row_is_without_a_folder(page: str, heading: str) -> None:
    """A row of what was moved or renamed is found."""
    missing = [
        each
        for each in _rooms(page, heading)
        if not (ROOT / each).is_dir() or (each.startswith("src/") and each not in _packages())
    ]
    assert missing == []


def test_both_readmes_have_the_same_rows() -> None:
    """In the same order."""
    english, chinese = (_rooms(page, heading) for page, heading in READMES.items())
    assert english == chinese
