"""Texts of others, safe to show: what would move a cursor or turn a line is shown as a code.

A terminal obeys control characters (ECMA-48) wherever they come from, and what is written from
right to left (Unicode Standard Annex 9) may read as something else: customers choose both.
"""

import re

_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""The text in one line, each character that is none to see as its code.

    >>> visible("C1\x1b[2J\u202e")
    'C1\\x1b[2J\\u202e'
    """
    return _HIDDEN.sub(lambda found: repr(found[0])[1:-1], text)
