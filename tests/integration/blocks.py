"""The code blocks of a Markdown page, and why some are not run."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"\s*```(\w*)\s*$")
_MARKER = re.compile(r"\s*<!--\s*not run\b:?\s*(.*?)\s*-->\s*$")


class PageError(Exception):
    """A page whose blocks cannot be read; the message names page and line."""


@dataclass(frozen=True)
class Block:
    """A fenced block; ``not_run`` is the reason in the comment directly before it, if any."""

    location: str
    language: str
    lines: tuple[str, ...]
    not_run: str | None = None

    @property
    def text(self) -> str:
        """What stands between the fences."""
        return "\n".join(self.lines) + "\n"

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """The words of each command, without comments; in a console it follows a ``$``."""
        prompt = "$ " if self.language == "console" else ""
        lines = [line.removeprefix(prompt) for line in self.lines if line.startswith(prompt)]
        words = (tuple(shlex.split(line, comments=True)) for line in lines)
        return tuple(each for each in words if each)


def blocks(page: str, text: str) -> Iterator[Block]:
    """Every block of a page in order; raises PageError."""
    lines = text.splitlines()
    n = 0
    while n < len(lines):
        marker = _MARKER.match(lines[n])
        opened = n + 1 if marker else n
        fence = _FENCE.match(lines[opened]) if opened < len(lines) else None
        if marker and not marker[1]:
            raise PageError(f"{page}:{n + 1}: a block that is not run needs a reason")
        if marker and not fence:
            raise PageError(f"{page}:{n + 1}: no block follows")
        if fence:
            closed = next((i for i in range(opened + 1, len(lines)) if _FENCE.match(lines[i])), -1)
            if closed < 0:
                raise PageError(f"{page}:{opened + 1}: the block does not end")
            yield Block(
                location=f"{page}:{opened + 1}",
                language=fence[1],
                lines=tuple(lines[opened + 1 : closed]),
                not_run=marker[1] if marker else None,
            )
            n = closed
        n += 1
