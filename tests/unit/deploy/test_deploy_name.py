"""The name that pip installs: `sentinel` on PyPI is somebody else's package."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import sentinel
from sentinel import DISTRIBUTION

ROOT = Path(__file__).parents[3]
_WRONG = re.compile(
    r"sentinel\[\w|pip3? (?:install|download) [^&\n]*?(?<![\w/.])sentinel(?![\w./-])"
)


def _wrong(text: str) -> list[str]:
    return [line for line in text.splitlines() if _WRONG.search(line)]


def test_the_metadata_have_the_name() -> None:
    """pyproject.toml, what is installed and the constant agree."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert declared["name"] == DISTRIBUTION
    assert version(DISTRIBUTION) == sentinel.__version__


def test_the_version_tells_both_names() -> None:
    """`sentinel --version` prints the command's version and the distribution."""
    command = [sys.executable, "-m", "sentinel", "--version"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == f"sentinel {sentinel.__version__} (distribution {DISTRIBUTION})\n"


def test_no_text_installs_the_other_package() -> None:
    """No tracked doc, message, script or manifest installs `sentinel` from PyPI."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    texts = (".md", ".py", ".toml", ".yml", ".yaml", ".txt", ".sh")
    paths = [Path(each) for each in listed.stdout.decode().split("\0") if each]
    texts_of = [
        path
        for path in paths
        if (path.suffix in texts or path.name in {"Dockerfile", "Makefile"})
        and path != Path(__file__).relative_to(ROOT)
    ]
    assert len(texts_of) > 100
    found = {
        path.as_posix(): wrong
        for path in texts_of
        if (wrong := _wrong((ROOT / path).read_text("utf-8")))
    }
    assert found == {}


def test_the_search_finds_the_other_package() -> None:
    """The pattern matches each way of asking for the wrong package, and not the right one."""
    for wrong in (
        "pip install 'sentinel[learn]'",
        "install sentinel[avro]",
        "pip install sentinel",
    ):
        assert _wrong(wrong) == [wrong]
    for right in (f"pip install '{DISTRIBUTION}[learn]'", "pip install .", "sentinel worker"):
        assert _wrong(right) == []
