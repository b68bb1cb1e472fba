"""Bytes of any encoding as UTF-8, and which encoding bytes that are not UTF-8 look like.

Nothing is replaced: a byte that cannot be read in the stated encoding comes out as bytes that are
no UTF-8 either, so that the reader of the cell refuses it.
"""

import codecs
from typing import Protocol

BYTE_ORDER_MARK = codecs.BOM_UTF8
UTF16_MARKS = {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
_UNREADABLE = "sentinel.unreadable"
_LAST_OF_LEVEL_ONE = 0xD7  # lead bytes of the 3,755 frequent characters of GB 2312
_ASCII_END = "\x7f"


class Reads(Protocol):
    """A file that is read once from its beginning to its end."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end."""
        ...


class Recoded:
    """A file in some encoding, read as UTF-8."""

    def __init__(self, file: Reads, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)(_UNREADABLE)

    def read(self, size: int, /) -> bytes:
        """About ``size`` bytes, none at the end."""
        while chunk := self._file.read(size):
            if text := self._decoder.decode(chunk):
                return text.encode("utf-8", "surrogatepass")
        return self._decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


class Peeked:
    """A file whose ``start`` has been looked at; UTF-8's byte order mark is not part of it.

    ``start`` is not blank unless the file is.
    """

    def __init__(self, file: Reads, size: int) -> None:
        self._file = file
        start = file.read(size)
        while start.isspace() and (more := file.read(size)):
            start += more
        self.start = self._ahead = start.removeprefix(BYTE_ORDER_MARK)

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end; the first may be more."""
        ahead, self._ahead = self._ahead, b""
        return ahead or self._file.read(size)


def is_encoding(name: str) -> bool:
    """Whether texts can be in the encoding ``name``.

    >>> is_encoding("gb18030"), is_encoding("rot13"), is_encoding("gbk2")
    (True, False, False)
    """
    try:
        return "Id,1\n".encode(name).decode(name) == "Id,1\n" and bool(
            codecs.getincrementaldecoder(name)
        )
    except (LookupError, ValueError):
        return False


def likely_encoding(data: bytes) -> str:
    """What bytes that are not UTF-8 most likely are.

    >>> likely_encoding("张三转账".encode("gbk")), likely_encoding("Müller".encode("cp1252"))
    ('gb18030', 'cp1252')
    """
    if data[:2] in UTF16_MARKS:
        return "utf-16"
    try:
        wide = [each for each in data.decode("gb18030") if each > _ASCII_END]
    except UnicodeDecodeError:
        return "cp1252"
    frequent = sum(_is_frequent(each) for each in wide)
    return "gb18030" if 2 * frequent >= len(wide) else "cp1252"


def not_utf8(what: str, sample: bytes, encoding: str | None) -> str:
    """Why ``what`` cannot be read, and how it can, if that is to be seen from a sample."""
    if encoding is not None:
        return f"{what} is not {encoding}"
    guess = likely_encoding(sample)
    return f"{what} is not UTF-8, it looks like {guess}: add `encoding: {guess}` to its mapping"


def is_utf8(data: bytes) -> bool:
    """Whether all of ``data`` is UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_frequent(character: str) -> bool:
    found = character.encode("gb2312", "ignore")
    return bool(found) and found[0] <= _LAST_OF_LEVEL_ONE


def _unreadable(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - registered for decoders alone
    return "\udcff", error.end


codecs.register_error(_UNREADABLE, _unreadable)
