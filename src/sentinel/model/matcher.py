"""Matchers over labels, as Alertmanager writes them: ``tier="red"``, ``risk=~"credit|legal"``.

A missing label is the empty string; regular expressions must match the whole value.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from msgspec import Struct

from sentinel.model.document import WrongTextError
from sentinel.model.expression import Expression, compile_expression

_FORM = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^"]*?)\s*')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "\\": "\\", '"': '"'}


class Matcher(Struct, frozen=True):
    """One condition on one label; ``op`` is ``=``, ``!=``, ``=~`` or ``!~``."""

    name: str
    op: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the label is as the matcher wants it."""
        found = labels.get(self.name, "")
        match self.op:
            case "=":
                return found == self.value
            case "!=":
                return found != self.value
            case "=~":
                return _is_whole(self.value, found)
        return not _is_whole(self.value, found)

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.op}"{escaped}"'


def parse_matcher(text: str) -> Matcher:
    """The matcher that ``text`` writes, its value quoted or bare; raises WrongTextError.

    >>> str(parse_matcher("tier=~red|orange"))
    'tier=~"red|orange"'
    """
    form = _FORM.fullmatch(text)
    if form is None:
        message = f'"{text}" is not a matcher: a label, one of = != =~ !~, and a value'
        raise WrongTextError(message)
    name, op, value = form[1], form[2], form[3]
    if value.startswith('"'):
        value = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), value[1:-1])
    if op in ("=~", "!~"):
        _compiled(value)
    return Matcher(name, op, value)


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every matcher matches; none at all matches everything."""
    return all(matcher.matches(labels) for matcher in matchers)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Expression:
    return compile_expression(pattern)


@lru_cache(maxsize=65_536)  # the same silences are asked about the same alerts again and again
def _is_whole(pattern: str, value: str) -> bool:
    return _compiled(pattern).fullmatch(value) is not None
