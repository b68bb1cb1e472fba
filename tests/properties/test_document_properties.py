"""Whatever a configuration's text is: a document, or one error with a place in it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.model.document import ConfigError, parse
from sentinel.model.file import read_document

_PIECES = st.sampled_from(
    [
        *"ab:[]{}-?&*!|>'\"#%@`,~.<= \n\t0123",
        "- ",
        ": ",
        "\n  ",
        "!!",
        "---\n",
        "\\u",
        "\x00",
        "é",
        "\\UFFFFFFFF",
    ]
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


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to be written again and again."""
    return tmp_path_factory.mktemp("documents") / "f.yaml"


@given(
    st.one_of(
        st.binary(max_size=40),
        st.tuples(
            st.text(max_size=20),
            st.sampled_from(["gb18030", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"]),
        ).map(lambda each: each[0].encode(each[1], "ignore")),
    )
)
def test_a_file_is_a_document_or_a_mistake_at_a_place(file: Path, data: bytes) -> None:
    """Whatever bytes it has; no other exception leaves the reader."""
    file.write_bytes(data)
    mistake = None
    try:
        read_document(file)
    except ConfigError as error:
        mistake = error
    if mistake is not None:
        assert mistake.line >= 1
        assert mistake.column >= 1
        assert "\n" not in str(mistake)
