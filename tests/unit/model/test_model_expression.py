"""Regular expressions from outside: linear in time, bounded in size, refused in one line."""

import re
import time

import pytest

from sentinel.model.document import WrongTextError
from sentinel.model.expression import LONGEST, compile_expression
from sentinel.model.matcher import parse_matcher

# Each takes seconds or minutes with backtracking.
HOSTILE = ["(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){20}$", "([a-z]+)*\\d$"]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_no_expression_takes_longer_than_its_text(pattern: str) -> None:
    """Ten thousand letters and one that does not fit: in less than a second of processor time."""
    text = "a" * 10_000 + "!"
    started = time.process_time()
    assert compile_expression(pattern).fullmatch(text) is None
    assert not parse_matcher(f'entity=~"{pattern}"').matches({"entity": text})
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(", "missing )"),
        ("a{1001}", "invalid repetition size"),
        ("((a{100}){10}){10}", "invalid repetition size"),
        ("a{1000}" * 100, "pattern too large"),
        (r"(?=a)", "invalid perl operator"),
        (r"(a)\1", "invalid escape sequence"),
        ("(" * LONGEST, "missing )"),
        ("a" * (LONGEST + 1), "1001 characters; 1000 is the most"),
        ("\ud800", "can't encode character"),
    ],
)
def test_what_is_refused_is_refused_in_one_short_line(text: str, message: str) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(WrongTextError, match=re.escape(message)) as caught:
        compile_expression(text)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_a_value_is_matched_as_a_whole_across_lines_and_alphabets() -> None:
    """As before: the whole value, ``.`` is any character, a character is not its bytes."""
    assert parse_matcher('entity=~"商户 .."').matches({"entity": "商户 \n8"})
    assert not parse_matcher('entity=~"商户"').matches({"entity": "商户 7"})
    assert parse_matcher('entity!~"商户"').matches({"entity": "商户 7"})
