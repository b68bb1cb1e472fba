"""Normalised text, and its words.

Chinese words come from `rjieba <https://pypi.org/project/rjieba/>`_, bindings of jieba-rs (both
MIT): the dictionary and hidden Markov model of jieba, the same words for the same text.
"""

import re
import unicodedata

import rjieba

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_RUN = re.compile(rf"([{_HAN}]+)|[^\W_{_HAN}]+(?:'[^\W_{_HAN}]+)*")
_DIGIT = re.compile(r"\d")
_NUMBER = "0"


def fold(text: str) -> str:
    """``text`` without differences of case, width, apostrophes and white space."""
    narrow = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold()
    return " ".join(narrow.split())


def words(folded: str) -> list[str]:
    """The words of folded text, in order; punctuation is none.

    A word with a digit becomes ``0``: amounts, dates and accounts differ from letter
    to letter of one template, and must not become names of topics.
    """
    found: list[str] = []
    for run in _RUN.finditer(folded):
        if run[1]:
            found += rjieba.cut(run[1])
        else:
            found.append(_NUMBER if _DIGIT.search(run[0]) else run[0])
    return found
