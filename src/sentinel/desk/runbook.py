"""Runbooks as the desk shows them: rendered, their list items as steps to tick."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markupsafe import Markup

import sentinel

_FOLDER = Path(sentinel.__file__).parent / "runbooks"
_NAME = re.compile(r"\Adocs/runbooks/([a-z0-9-]+\.md)\Z")


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook: its title, and the rest as HTML in which nothing of the text is markup."""

    title: str
    body: Markup


class _Renderer(RendererHTML):
    """Adds a checkbox to each list item, numbered through the runbook."""

    def list_item_open(self, *rendered: Any) -> str:
        """Open a list item with its box; the last argument is kept while a text is rendered."""
        environment = rendered[-1]
        environment["steps"] = environment.get("steps", 0) + 1
        return f'<li><label><input type="checkbox" data-step="{environment["steps"]}"> <span>'

    def list_item_close(self, *_: Any) -> str:
        """Close it."""
        return "</span></label></li>\n"

    def link_open(self, *_: Any) -> str:
        """Links lead to files of the docs, which the desk does not serve: their text remains."""
        return ""

    def link_close(self, *_: Any) -> str:
        """Nothing was opened."""
        return ""

    def heading_open(self, *_: Any) -> str:
        """Headings stand below the page's own."""
        return "<h3>"

    def heading_close(self, *_: Any) -> str:
        """Close it."""
        return "</h3>\n"


@cache
def read_runbook(path: str) -> Runbook | None:
    """The runbook that a rule names; None where there is none that came with Sentinel."""
    match = _NAME.match(path)
    if match is None or not (_FOLDER / match[1]).is_file():
        return None
    return parse_runbook((_FOLDER / match[1]).read_text("utf-8"))


def parse_runbook(text: str) -> Runbook:
    """A runbook in Markdown; its first line is the title."""
    title, _, rest = text.partition("\n")
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    return Runbook(title.removeprefix("# ").strip(), Markup(markdown.render(rest)))  # noqa: S704 - html is off
