"""However a condition is written in YAML, its error stands at the wrong word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.model.columns import FIELDS
from sentinel.model.document import ConfigError, parse
from sentinel.model.events import Stream
from sentinel.rules import compile_expression

_MARK = "§"  # stands before the wrong name until its index is known
_TERMS = ["amount > 1", "true", 'channel == "中文"', "channel == 'wrong'", "(amount > 2)"]
_WRONG = f"{_MARK}wrong > 1"
_BREAKS = st.sampled_from([" ", "  ", "\n", "\n", "\n\n", " \n"])


@st.composite
def conditions(draw: st.DrawFn) -> list[str]:
    """The words of a condition that has one wrong name."""
    terms = draw(st.lists(st.sampled_from(_TERMS), min_size=1, max_size=5))
    terms.insert(draw(st.integers(1, len(terms))), _WRONG)
    return " && ".join(terms).split(" ")


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file with a condition in some style, folded anywhere."""
    words, style = draw(conditions()), draw(st.sampled_from(["", "'", '"', ">", "|"]))
    body = words[0]
    for word in words[1:]:
        body += draw(_BREAKS) + word
    indent = " " * draw(st.integers(1, 9))
    if style in (">", "|"):
        indicator = draw(st.sampled_from(["", str(len(indent))]))
        style += indicator + draw(st.sampled_from(["", "-", "+"]))
        style += draw(st.sampled_from(["", "  # wrong"]))
        more = "  " if indicator and draw(st.booleans()) else ""
        body = f"{style}\n{indent}{more}" + _indented(body, indent)
    elif style == "'":
        body = "'" + _indented(body.replace("'", "''"), indent) + "'"
    elif style == '"':
        escaped = "".join(draw(_escaped(each)) for each in body)
        body = '"' + _indented(escaped, indent) + '"'
    else:
        body = _indented(body, indent)
    return f"# wrong\nother: 中文\nwhen: {body}\nlast: wrong\n"


def _indented(body: str, indent: str) -> str:
    lines = body.split("\n")
    return "\n".join([lines[0], *(indent + line if line else "" for line in lines[1:])])


def _escaped(character: str) -> st.SearchStrategy[str]:
    """A character of a double-quoted scalar; those of the wrong name stay as they are."""
    if character == '"':
        return st.just('\\"')
    if character in _MARK + "wrong\n" or character == " ":
        return st.sampled_from([character])
    return st.sampled_from([character, f"\\u{ord(character):04x}", f"\\U{ord(character):08X}"])


@given(files())
def test_the_place_of_an_unknown_name_holds_that_name(marked: str) -> None:
    """In plain, quoted, folded and literal scalars, with comments, escapes and empty lines."""
    index, text = marked.index(_MARK), marked.replace(_MARK, "")
    document = parse(text, "f.yaml")
    with pytest.raises(ConfigError) as caught:
        compile_expression(document.data["when"], FIELDS[Stream.TRANSACTION], document, ("when",))
    error = caught.value
    assert error.message == 'unknown name "wrong"'
    lines = text[:index].split("\n")
    assert (error.line, error.column) == (len(lines), len(lines[-1]) + 1)
