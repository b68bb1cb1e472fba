"""Texts and links in the Markdown of DingTalk and WeCom, which have no way to escape a mark."""

import string
from urllib.parse import quote

from sentinel.delivery.channels.robot import OPEN, Note

_MARKS = "*_[]<>`#~\\|"
_WIDE = {ord(mark): ord(mark) + 0xFEE0 for mark in _MARKS}  # their full-width forms
_SAFE = "".join(sorted(set(string.punctuation) - set('()<>[]|"`\\^{}')))


def plain(text: str) -> str:
    """The text, in which nothing is markup: marks become their full-width forms."""
    return text.translate(_WIDE)


def target(url: str) -> str:
    """The URL, in which nothing ends a Markdown link; what is encoded stays as it is."""
    return quote(url, safe=_SAFE)


def body(note: Note) -> list[str]:
    """The note's lines after its title, and its link at the end."""
    lines = [
        f"- [{plain(line.text)}]({target(line.link)})" if line.link else plain(line.text)
        for line in note.lines
    ]
    return [*lines, f"[{OPEN}]({target(note.link)})"] if note.link else lines
