"""Nothing cites a document, a file or a heading that does not exist."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parents[3]
CITING = ("src/sentinel", "agents", "configs", "tests", "grafana", "deploy", "benchmarks")
"""The folders whose files cite documents as ``docs/page.md#heading``."""
SINGLE = ("Makefile", "Dockerfile", "docker-compose.yml", "pyproject.toml")
TEXTS = frozenset({".py", ".md", ".yaml", ".yml", ".toml", ".json", ".txt", ".sh"})
INDEX = ROOT / "docs" / "index.md"

_CODE = re.compile(r"^\s*```.*?^\s*```\s*$", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_MENTION = re.compile(r"(?<![\w/.-])docs/[\w./-]*\.md(?:#[\w-]+)?")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$", re.MULTILINE)
_NO_ANCHOR = re.compile(r"[^\w\- ]")


def _pages() -> list[Path]:
    """The Markdown files of the repository, those of caches and virtualenvs left out."""
    found = [*ROOT.glob("*.md")]
    for folder in ("docs", "tests", "grafana", "deploy", "benchmarks", "configs"):
        found += (ROOT / folder).rglob("*.md")
    return sorted(found)


def _targets(text: str) -> list[str]:
    """The targets of the links of a page, code left out."""
    return _LINK.findall(_INLINE_CODE.sub("", _CODE.sub("", text)))


@cache
def _anchors(page: Path) -> frozenset[str]:
    """The anchors that GitHub makes of the headings of a page."""
    found: dict[str, int] = {}
    anchors = set()
    for heading in _HEADING.findall(_CODE.sub("", page.read_text("utf-8"))):
        text = _LINK.sub(lambda link: link[0][link[0].index("[") + 1 : link[0].index("]")], heading)
        anchor = _NO_ANCHOR.sub("", text.lower()).replace(" ", "-")
        number = found.get(anchor, 0)
        found[anchor] = number + 1
        anchors.add(f"{anchor}-{number}" if number else anchor)
    return frozenset(anchors)


def _is_broken(target: str, page: Path) -> bool:
    """Whether a relative target leads nowhere; ``page`` is where it stands."""
    path, _, anchor = unquote(target).partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return True
    return bool(anchor) and file.suffix == ".md" and anchor not in _anchors(file)


def _files() -> Iterator[Path]:
    """The text files that may cite a document."""
    yield from (ROOT / each for each in SINGLE)
    for folder in CITING:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in TEXTS and path.is_file():
                yield path


def test_every_relative_link_of_a_page_resolves() -> None:
    """Files and headings; addresses of the web are not asked."""
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in _pages()
        for target in _targets(page.read_text("utf-8"))
        if not re.match(r"[a-z]+:", target) and _is_broken(target, page)
    ]
    assert broken == []


def test_every_document_that_a_file_cites_exists() -> None:
    """In code, configurations, dashboards, tests and manifests: ``docs/page.md#heading``."""
    root = ROOT / "README.md"
    cited = [
        (path, mention)
        for path in _files()
        for mention in _MENTION.findall(path.read_text("utf-8"))
    ]
    assert len(cited) > 100
    own = Path(__file__)
    broken = [
        f"{path.relative_to(ROOT)}: {mention}"
        for path, mention in cited
        if path != own and _is_broken(mention, root)
    ]
    assert broken == []


def test_the_index_links_every_document_once() -> None:
    """So that a reader finds each page, under one question."""
    pages = {
        page.relative_to(INDEX.parent).as_posix()
        for page in INDEX.parent.glob("*.md")
        if page != INDEX
    }
    folders = {
        each.relative_to(INDEX.parent).as_posix()
        for each in INDEX.parent.iterdir()
        if each.is_dir()
    }
    targets = [target.rstrip("/") for target in _targets(INDEX.read_text("utf-8"))]
    first = [target.partition("/")[0] for target in targets]
    linked = [
        each if each in folders else target for each, target in zip(first, targets, strict=True)
    ]
    local = [each for each in linked if not each.startswith("../")]
    assert sorted(local) == sorted(pages | folders)


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    """A missing file, a missing heading; what is right and what is code are not."""
    page = tmp_path / "page.md"
    page.write_text(
        "# A page: its `title`\n## Twice\n## Twice\n"
        "[a](gone.md) [b](#no-heading) [c](#a-page-its-title) [d](page.md#twice-1)\n"
        "`[e](gone.md)`\n```text\n[f](gone.md)\n```\n",
        "utf-8",
    )
    targets = _targets(page.read_text("utf-8"))
    assert [each for each in targets if _is_broken(each, page)] == ["gone.md", "#no-heading"]
