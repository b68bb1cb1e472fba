"""Folding and words."""

from hypothesis import given
from hypothesis import strategies as st

from sentinel.text.fold import fold, words


def test_width_case_and_white_space_do_not_matter() -> None:
    """Full-width letters and digits, capitals and line breaks read like plain text."""
    assert fold("  ＦＲＡＵＤ１２３\r\n\tNow ") == "fraud123 now"
    assert fold("don’t") == "don't"


def test_chinese_is_cut_into_words_and_latin_at_its_own() -> None:
    """Both languages may stand in one sentence; punctuation is no word."""
    found = words(fold("信用卡被盗刷，Please don't charge me!"))
    assert found[0] == "信用卡"
    assert found[-4:] == ["please", "don't", "charge", "me"]


def test_whatever_has_a_digit_is_one_word() -> None:
    """Amounts, dates and accounts are no words of their own."""
    assert words(fold("paid 1,200 on 2024-05-01 from acct6222x")) == [
        "paid", "0", "0", "on", "0", "0", "0", "from", "0",
    ]  # fmt: skip


@given(st.text(max_size=200))
def test_any_text_has_words_without_spaces(text: str) -> None:
    """Whatever people write, folding is final, and no word is empty or has a space in it."""
    folded = fold(text)
    assert all(word and " " not in word for word in words(folded))
    assert words(folded) == words(folded)
