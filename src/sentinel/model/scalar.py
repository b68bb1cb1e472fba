"""Where a character of a YAML scalar stands in the text of the file.

Folding, chomping and indentation change white space only.  The n-th other character of a scalar's
value is therefore the n-th other character that is written, an escape being one character.
"""

import re
from itertools import islice

_WHITE = frozenset(" \t\n\r\x85\u2028\u2029")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what ends a line in YAML
_WRITTEN = {  # one character of the value, by what the scalar starts with
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|\r\n|.)|.", re.DOTALL),
    "'": re.compile("''|.", re.DOTALL),
}
_PLAIN = re.compile(".", re.DOTALL)
_WHITE_ESCAPES = frozenset("tnrNLP") | _WHITE


def character_position(
    text: str, line: int, column: int, value: str, offset: int
) -> tuple[int, int]:
    """1-based (line, column) of character ``offset`` of ``value``, the scalar at line, column.

    The end of ``value``, or white space in it, stands behind the character before it.
    """
    start = _index(text, line, column)
    style = text[start]
    if style in "|>":  # the value starts on the line after the header
        header = _BREAK.search(text, start)
        start = header.end() if header else len(text)
    elif style in _WRITTEN:
        start += 1
    written = (
        match
        for match in _WRITTEN.get(style, _PLAIN).finditer(text, start)
        if not _is_white(match[0])
    )
    before = sum(character not in _WHITE for character in value[:offset])
    if offset < len(value) and value[offset] not in _WHITE:
        return _position(text, next(islice(written, before, None)).start())
    last = next(islice(written, before - 1, None)).end() if before else start
    return _position(text, last)


def _is_white(written: str) -> bool:
    """Whether a character, as it is written, is white space."""
    if written[0] != "\\" or len(written) == 1:
        return written in _WHITE
    kind, code = written[1], written[2:]
    return chr(int(code, 16)) in _WHITE if kind in "xuU" else kind in _WHITE_ESCAPES


def _index(text: str, line: int, column: int) -> int:
    """The index in ``text`` of a 1-based line and column."""
    ends = [match.end() for match in islice(_BREAK.finditer(text), line - 1)]
    return (ends[-1] if ends else 0) + column - 1


def _position(text: str, index: int) -> tuple[int, int]:
    """The 1-based line and column of an index in ``text``."""
    ends = [match.end() for match in _BREAK.finditer(text, 0, index)]
    return len(ends) + 1, index - (ends[-1] if ends else 0) + 1
