"""Configuration files: UTF-8, or one error at the first byte that is not."""

import codecs
from pathlib import Path

import pytest

from sentinel.model.document import ConfigError
from sentinel.model.file import read_document, read_text

RULE = 'rules:\r\n  - id: a.b\r\n    when: "x == \\"{}\\""\r\n'
NOT_UTF_8 = {
    "gb18030": (
        RULE.format("手机").encode("gb18030"),
        "3:19: the byte 0xCA is not UTF-8 (looks like gb18030: save it as UTF-8)",
    ),
    "after other characters": (
        "a: 中文\nb: 中".encode() + "文".encode("gb18030"),
        "2:5: the byte 0xCE is not UTF-8 (save it as UTF-8)",
    ),
    "latin-1": (
        "a: für\n".encode("latin-1"),
        "1:5: the byte 0xFC is not UTF-8 (save it as UTF-8)",
    ),
    "cut short": ("a: 中文".encode()[:-1], "1:5: the byte 0xE6 is not UTF-8 (save it as UTF-8)"),
    "UTF-16 with its mark": (RULE.encode("utf-16"), "1:1: UTF-16, not UTF-8 (save it as UTF-8)"),
    "UTF-16, big endian": (
        codecs.BOM_UTF16_BE + RULE.encode("utf-16-be"),
        "1:1: UTF-16, not UTF-8 (save it as UTF-8)",
    ),
    "UTF-32 with its mark": (RULE.encode("utf-32"), "1:1: UTF-32, not UTF-8 (save it as UTF-8)"),
    "UTF-16 without a mark": (
        RULE.encode("utf-16-le"),
        "1:2: the character U+0000 is not allowed (looks like UTF-16: save it as UTF-8)",
    ),
    "a NUL": (
        b"\xef\xbb\xbfa: 1\r\nb: x\0y\r\n",
        "2:5: the character U+0000 is not allowed (save it as UTF-8)",
    ),
}


@pytest.mark.parametrize("name", NOT_UTF_8)
def test_a_file_that_is_not_utf_8_is_refused_at_its_first_such_byte(
    name: str, tmp_path: Path
) -> None:
    """File, line and column, and what the encoding looks like."""
    data, message = NOT_UTF_8[name]
    (tmp_path / "f.yaml").write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        read_document(tmp_path / "f.yaml", "f.yaml")
    assert str(caught.value) == f"f.yaml:{message}"


def test_a_byte_order_mark_of_utf_8_is_skipped(tmp_path: Path) -> None:
    """The text, its places and so the configuration's version are those without it."""
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_text(file, "f.yaml") == "a: 1\nb: 2\n"
    document = read_document(file)
    assert (document.path, document.data) == (str(file), {"a": 1, "b": 2})
    assert document.key_position("a") == (1, 1)
