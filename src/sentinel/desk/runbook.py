"""Runbooks as the desk shows them: headings, and steps to tick."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sentinel

_FOLDER = Path(sentinel.__file__).parent / "runbooks"
_NAME = re.compile(r"\Adocs/runbooks/([a-z0-9-]+\.md)\Z")
_STEP = re.compile(r"\A(?:\d+\.|[-*])\s+(.*)")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a runbook: its paragraphs and its steps."""

    heading: str
    paragraphs: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook: its title, the sentence under it, and its sections."""

    title: str
    summary: str
    sections: tuple[Section, ...]


@cache
def read_runbook(path: str) -> Runbook | None:
    """The runbook that a rule names; None where there is none that came with Sentinel."""
    match = _NAME.match(path)
    if match is None or not (_FOLDER / match[1]).is_file():
        return None
    return parse_runbook((_FOLDER / match[1]).read_text("utf-8"))


def parse_runbook(text: str) -> Runbook:
    """The parts of a runbook in Markdown."""
    title, summary, sections = "", "", list[Section]()
    heading, paragraphs, steps = "", list[str](), list[str]()

    def close() -> None:
        if heading:
            sections.append(Section(heading, tuple(paragraphs), tuple(steps)))

    for line in (each.strip() for each in text.splitlines()):
        if line.startswith("# "):
            title = line[2:]
        elif line.startswith("> "):
            summary = line[2:]
        elif line.startswith("## "):
            close()
            heading, paragraphs, steps = line[3:], [], []
        elif step := _STEP.match(line):
            steps.append(step[1])
        elif line:
            paragraphs.append(line)
    close()
    return Runbook(title, summary, tuple(sections))
