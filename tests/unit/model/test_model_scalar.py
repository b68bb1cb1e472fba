"""Scalars: a character of the value stands at one place of the file, however it is written."""

import re

import pytest

from sentinel.model.document import parse
from sentinel.model.scalar import character_position

SPELLINGS = {
    "plain": "when: amount > 1 && amoun < 5\n",
    "plain over lines": "when: amount > 1\n\n  &&   amoun < 5\n",
    "folded": "when: >\n  amount > 1 &&\n  amoun < 5\n",
    "folded, stripped": "when: >-\n  amount > 1 &&\n  amoun < 5\n",
    "folded, kept, with a comment": "when: >+ # amoun\n  amount > 1\n\n  && amoun < 5\n\n",
    "folded, one line more indented": "when: >\n  amount > 1 &&\n     amoun < 5\n  && true\n",
    "literal": "when: |\n  amount > 1 &&\n\n  amoun < 5\n",
    "literal, stripped, after empty lines": "when: |-\n\n\n  amount > 1 && amoun < 5",
    "indentation indicator": "when: >2-\n    amount > 1\n  && amoun < 5\n",
    "single quotes": "when: 'channel == ''手机'' && amoun < 5'\n",
    "single quotes over lines": "when: 'channel == ''a''\n\n   && amoun < 5'\n",
    "double quotes": 'when: "channel == \\"手机\\" && amoun < 5"\n',
    "double quotes over lines": 'when: "amount > 1\n   && amoun\n  < 5"\n',
    "double quotes, a line ended by an escape": 'when: "amount > 1\\\n  \\ && amoun < 5"\n',
    "escapes": 'when: "channel == \\"\\u4e2d\\U00004e2d\\x41\\/\\" &&\\n\\x20amoun < 5"\n',
    "inside a flow mapping": 'rule: {a: [1, 2], when: "\\u0061mount > 1 && amoun < 5"}\n',
}


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_word_is_found_where_it_is_written(name: str, end: str) -> None:
    """In every style, with both sorts of line ends."""
    text = ("# 中文: amoun\n" + SPELLINGS[name]).replace("\n", end)
    document = parse(text, "f.yaml")
    path = ("rule", "when") if "rule" in document.data else ("when",)
    value = document.part(*path).data
    word = re.search(r"\bamoun\b", value)
    assert word is not None
    error = document.error(path, "wrong", offset=word.start())
    line = text.split(end)[error.line - 1]
    assert re.match(r"amoun\b", line[error.column - 1 :])


@pytest.mark.parametrize(
    ("offset", "position"), [(0, (2, 3)), (3, (2, 6)), (4, (3, 3)), (7, (3, 6)), (8, (3, 6))]
)
def test_white_space_stands_behind_the_word_before_it(
    offset: int, position: tuple[int, int]
) -> None:
    """Folding leaves no place of its own to white space, nor to the end."""
    assert character_position("a: >\n  one\n  two\n", 1, 4, "one two\n", offset) == position
