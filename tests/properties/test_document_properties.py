"""Whatever a configuration's text is: a document, or one error with a place in it."""

from hypothesis import given
from hypothesis import strategies as st

from sentinel.model.document import ConfigError, parse

_PIECES = st.sampled_from(
    [*"ab:[]{}-?&*!|>'\"#%@`,~.<= \n\t0123", "- ", ": ", "\n  ", "!!", "---\n", "\\u", "\x00", "é"]
)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_a_text_is_a_document_or_a_mistake_at_a_place(text: str) -> None:
    """No other exception leaves the reader, and the place is within the text."""
    mistake = None
    try:
        parse(text, "f.yaml")
    except ConfigError as error:
        mistake = error
    if mistake is not None:
        assert 1 <= mistake.line <= text.count("\n") + 2
        assert mistake.column >= 1
        assert "\n" not in mistake.message
