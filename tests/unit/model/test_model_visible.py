"""Control characters of others are shown, not obeyed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.model.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("客户 7, José", "客户 7, José"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b2J", r"\x9b2J"),
        ("evil\u202etxt.exe", r"evil\u202etxt.exe"),
        ("a\u2028b\u2066c", r"a\u2028b\u2066c"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
    ],
)
def test_what_cannot_be_seen_is_a_code(text: str, shown: str) -> None:
    """And everything else stays as it is."""
    assert visible(text) == shown


@given(st.text())
def test_nothing_that_moves_a_cursor_is_left(text: str) -> None:
    """No control character, line separator, surrogate or bidirectional mark."""
    shown = visible(text)
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Zl", "Zp", "Cs"}
    bidi = {unicodedata.bidirectional(each) for each in shown}
    assert not bidi & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
