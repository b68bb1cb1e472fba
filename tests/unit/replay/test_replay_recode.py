"""Encodings: read through to UTF-8, refused where they are none, and guessed from bytes."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.replay.recode import Recoded, is_encoding, is_utf8, likely_encoding

TEXTS = ["张三向李四转账五千元", "客户投诉银行卡被盗刷", "转账"]


@given(st.text(st.characters(codec="gb18030"), max_size=20), st.integers(1, 7))
def test_text_is_recoded_in_chunks_of_any_size(text: str, size: int) -> None:
    """Characters that are cut by a chunk's end are whole."""
    file = Recoded(io.BytesIO(text.encode("gb18030")), "gb18030")
    chunks = list(iter(lambda: file.read(size), b""))
    assert b"".join(chunks).decode() == text


@given(st.binary(max_size=12))
def test_bytes_that_are_none_of_the_encoding_stay_unreadable(data: bytes) -> None:
    """They do not become a character that other bytes could be, too."""
    made = Recoded(io.BytesIO(data), "gb18030")
    found = b"".join(iter(lambda: made.read(64), b""))
    try:
        assert found.decode() == data.decode("gb18030")
    except UnicodeDecodeError:
        assert not is_utf8(found)


@pytest.mark.parametrize("text", TEXTS)
def test_chinese_is_guessed(text: str) -> None:
    """Frequent characters tell GB 18030 from Western letters."""
    assert likely_encoding(text.encode("gb18030")) == "gb18030"


@pytest.mark.parametrize("text", ["Müller", "Crédit à la consommation", "señor"])
def test_western_letters_are_guessed(text: str) -> None:
    """Single letters above ASCII are Windows-1252."""
    assert likely_encoding(text.encode("cp1252")) == "cp1252"


@pytest.mark.parametrize("name", ["rot13", "hex", "base64", "gbk2", "undefined", "\0"])
def test_what_is_no_encoding_of_text_is_none(name: str) -> None:
    """Python has codecs that are none, and names that it does not know."""
    assert not is_encoding(name)
