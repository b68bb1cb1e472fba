"""Configuration files on disk: UTF-8 text, or an error at the first byte that is none."""

import codecs
from pathlib import Path

from sentinel.model.document import ConfigError, Document, parse

_MARKS = (  # what a file of another encoding starts with; UTF-32's mark starts like UTF-16's
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def read_document(path: Path, name: str | None = None) -> Document:
    """The document in a file; errors show ``name``, or else the path.

    Raises ConfigError, and OSError where the file cannot be read.
    """
    shown = str(path) if name is None else name
    return parse(read_text(path, shown), shown)


def read_text(path: Path, name: str) -> str:
    r"""The text of a file, without a byte order mark, its lines ended by ``\n``.

    Raises ConfigError at the first byte that is not UTF-8, and OSError.
    """
    data = path.read_bytes()
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            raise ConfigError(name, 1, 1, f"{encoding}, not UTF-8", "save it as UTF-8")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        problem = f"the byte 0x{data[error.start]:02X} is not UTF-8"
        raise _error(name, before, problem, data) from None
    if "\0" in text:
        before, _, _ = text.partition("\0")
        raise _error(name, before, "the character U+0000 is not allowed", data)
    return _lines_ended(text)


def _lines_ended(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _error(name: str, before: str, problem: str, data: bytes) -> ConfigError:
    """An error right after the text ``before``, with what the encoding of ``data`` looks like."""
    lines = _lines_ended(before).split("\n")
    encoding = _likely(data)
    hint = f"looks like {encoding}: save it as UTF-8" if encoding else "save it as UTF-8"
    return ConfigError(name, len(lines), len(lines[-1]) + 1, problem, hint)


def _likely(data: bytes) -> str:
    """The encoding that ``data``, which is not UTF-8, is most likely in; empty where unclear."""
    if data.count(0) > len(data) / 4:  # every other byte of ASCII text
        return "UTF-16"
    try:
        letters = [letter for letter in data.decode("gb18030") if not letter.isascii()]
    except UnicodeDecodeError:
        return ""
    # Bytes of other encodings make letters too, but rarely the common ones.
    common = sum(letter.encode("gb2312", "ignore") != b"" for letter in letters)
    return "gb18030" if common > len(letters) / 2 else ""
