"""A configuration document: typed YAML 1.2 text with the line and column of every value.

Errors name ``file:line:column`` and, where something close exists, a hint.
"""

import difflib
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from io import StringIO
from typing import Any, NoReturn, TypeVar

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import AliasEvent, ScalarEvent
from ruamel.yaml.reader import ReaderError

from sentinel.model.duration import parse_duration
from sentinel.model.kinds import failing_key, field_names, inner_kind, key_kind, words_of
from sentinel.model.scalar import character_position

_DEEPEST = 40
_LONGEST_NUMBER = 1_000
T = TypeVar("T")
Path = tuple[str | int, ...]


class ConfigError(Exception):
    """A configuration is wrong at one position: ``path:line:column: message (hint)``."""

    def __init__(self, path: str, line: int, column: int, message: str, hint: str = "") -> None:
        super().__init__(path, line, column, message, hint)
        self.path, self.line, self.column = path, line, column
        self.message, self.hint = message, hint

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.path}:{self.line}:{self.column}: {self.message}{hint}"


class WrongTextError(ValueError):
    """A text is not what it should be; the caller adds the position."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message, self.hint = message, hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean "x"?`` for the closest known word, or the empty string."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else ""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: plain values in ``data``, positions on request."""

    path: str
    data: Any
    _nodes: Any = field(repr=False)
    _text: str = field(repr=False)

    def position(self, *path: str | int) -> tuple[int, int]:
        """1-based (line, column) of the value at ``path``, or of its closest parent.

        A block scalar's position is where its marker (``|``, ``>``) stands.
        """
        node, found = self._nodes, (1, 1)
        for step in path:
            if isinstance(node, CommentedMap) and step in node:
                line, column = node.lc.value(step)
            elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
                line, column = node.lc.item(step)
            else:
                break
            found, node = (line + 1, column + 1), node[step]
        return found

    def key_position(self, *path: str | int) -> tuple[int, int]:
        """1-based (line, column) of the key, not the value, at ``path``."""
        node = self._nodes
        for step in path[:-1]:
            node = node[step]
        if isinstance(node, CommentedMap) and path[-1] in node:
            line, column = node.lc.key(path[-1])
            return line + 1, column + 1
        return self.position(*path)

    def error(
        self, path: Path, message: str, hint: str = "", offset: int | None = None
    ) -> ConfigError:
        """An error at the value of ``path``, or at character ``offset`` of that text."""
        line, column = self.position(*path)
        if offset is not None:
            value = self.part(*path).data
            line, column = character_position(self._text, line, column, value, offset)
        return ConfigError(self.path, line, column, message, hint)

    def wrong_text(self, path: Path, error: WrongTextError) -> ConfigError:
        """What is wrong with the text at ``path``."""
        return self.error(path, error.message, error.hint)

    def duration_ms(self, path: Path, text: str) -> int:
        """Milliseconds of the duration ``text``, which stands at ``path``; raises ConfigError."""
        try:
            return parse_duration(text)
        except ValueError as error:
            raise self.error(path, str(error)) from None

    def part(self, *path: str | int) -> "Document":
        """What stands at ``path`` as a document of its own; positions stay the file's."""
        data, nodes = self.data, self._nodes
        for step in path:
            data, nodes = data[step], nodes[step]
        return Document(self.path, data, nodes, self._text)

    def convert(self, kind: type[T]) -> T:
        """The whole document as ``kind`` (a msgspec struct); raises :class:`ConfigError`."""
        try:
            return msgspec.convert(self.data, kind, strict=True)
        except msgspec.ValidationError as error:
            raise self._located(str(error), kind) from None

    def _located(self, text: str, kind: Any) -> ConfigError:
        """Turn msgspec's complaint, ``message - at `$.a[0][...].b` ``, into a path."""
        message, _, where = text.replace(" - at `key` in `$", " - at `$").partition(" - at `$")
        of_a_key = " - at `key` in `$" in text
        path: list[str | int] = []
        node, inner = self.data, kind
        for name, index, any_key in re.findall(
            r"\.([^.\[\]`]+)|\[(\d+)\]|\[(\.\.\.)\]", where.rstrip("`")
        ):
            inner = inner_kind(inner, name)
            if any_key:  # msgspec does not name the key of a value in a mapping
                step: str | int | None = failing_key(node, inner)
            else:
                step = int(index) if index else name
            if step is None or not _has(node, step):
                break
            path.append(step)
            node = node[step]
        unknown = re.search(r"unknown field `([^`]+)`", message)
        if unknown:
            line, column = self.key_position(*path, unknown[1])
            hint = did_you_mean(unknown[1], field_names(inner))
            return ConfigError(self.path, line, column, f'unknown field "{unknown[1]}"', hint)
        line, column = self.position(*path)
        word = re.match(r"Invalid enum value '(.*)'", message)
        words = words_of(key_kind(inner) if of_a_key else inner)
        if word and of_a_key:
            line, column = self.key_position(*path, word[1])
        if word and words:
            message = f'"{word[1]}" is none of {", ".join(words)}'
            return ConfigError(self.path, line, column, message, did_you_mean(word[1], words))
        return ConfigError(self.path, line, column, message[:1].lower() + message[1:])


def _has(node: Any, step: str | int) -> bool:
    if isinstance(node, dict):
        return step in node
    return isinstance(node, list) and isinstance(step, int) and step < len(node)


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    if isinstance(node, str):
        return str(node)
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        return float(node)
    return node


class _Composer(Composer):
    """Composes plain trees: what is small as text is small, and shallow, as a value."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node; refuses constructs that no configuration needs, at their position."""
        event = self.parser.peek_event()
        if isinstance(event, AliasEvent) or event.anchor is not None:
            self._refuse(event, "anchors and aliases are not read: write it out")
        if event.tag is not None:
            self._refuse(event, "tags are not read: YAML's own types are enough")
        if isinstance(event, ScalarEvent):
            self._check_scalar(event)
        if self._depth >= _DEEPEST:
            self._refuse(event, f"nested deeper than {_DEEPEST} levels")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _check_scalar(self, event: ScalarEvent) -> None:
        value = event.value
        if event.implicit[0] and len(value) > _LONGEST_NUMBER and value.lstrip("+-").isdigit():
            self._refuse(event, f"a number of {len(value)} digits")
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            self._refuse(event, "half a character: \\ud800 to \\udfff stand for none alone")

    def _refuse(self, event: Any, problem: str) -> NoReturn:
        raise ComposerError(None, None, problem, event.start_mark)


class _Constructor(RoundTripConstructor):
    """YAML 1.2's core has no dates: they stay text, so errors in them have a position."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", RoundTripConstructor.construct_yaml_str)


@lru_cache(maxsize=64)  # of a configuration that is read again, a file or two are new
def parse(text: str, path: str) -> Document:
    """Parse YAML 1.2 ``text``; ``path`` is the name that errors show.  Raises ConfigError."""
    reader = YAML(typ="rt")
    reader.Composer, reader.Constructor = _Composer, _Constructor
    reader.preserve_quotes = True
    try:
        nodes = reader.load(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = (error.problem or error.context or "not YAML").strip()
        raise ConfigError(path, line, column, problem) from None
    except ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - before.rfind("\n")
        problem = f"the character U+{error.character:04X} is not allowed"
        raise ConfigError(path, line, column, problem) from None
    except (ValueError, OverflowError):  # of chr(), for the number of an escape
        line, column = _beyond_unicode(text)
        raise ConfigError(path, line, column, "there is no character of this number") from None
    if nodes is None:
        nodes = CommentedMap()
    return Document(path, _plain(nodes), nodes, text)


def _beyond_unicode(text: str) -> tuple[int, int]:
    """1-based (line, column) of the first escape of no character."""
    for match in re.finditer(r"\\U([0-9A-Fa-f]{8})", text):
        if int(match[1], 16) > sys.maxunicode:
            before = text[: match.start()]
            return before.count("\n") + 1, match.start() - before.rfind("\n")
    return 1, 1
