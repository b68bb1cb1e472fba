"""Files of JSON: one value a line, or one array of all."""

import re
from collections import Counter
from collections.abc import Iterator

from sentinel.replay.block import ReplayError, Skip
from sentinel.replay.line_blocks import BLOCK_BYTES, LONGEST_LINE, line_blocks
from sentinel.replay.recode import Peeked

Numbered = tuple[list[int], list[bytes]]
"""The numbers of some values, and their bytes."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*(?P<end>"?)|[\[\]{},]', re.DOTALL)
_ARRAY = re.compile(rb"\s*\[\s*[{\]]")
_DEEPER = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def json_values(file: Peeked, skipped: Counter[Skip]) -> Iterator[Numbered]:
    """A file's values in blocks; blank lines are none.

    A value's number, from 1, is its line's or, in an array of objects, its index.  Raises
    ReplayError for an array that does not end.
    """
    if _ARRAY.match(file.start):
        yield from _elements(file)
        return
    for numbers, lines in line_blocks(file, skipped):
        pairs = zip(numbers, lines, strict=True)
        there = [(number, line.rstrip(b"\r")) for number, line in pairs if not _is_blank(line)]
        yield [number for number, _ in there], [line for _, line in there]


def _is_blank(line: bytes) -> bool:
    return not line or line.isspace()


def _elements(file: Peeked) -> Iterator[Numbered]:
    """The elements of the array with which the file begins."""
    data, depth, start, at, count = b"", 0, 0, 0, 0
    while chunk := file.read(BLOCK_BYTES):
        data, at, start = data[start:] + chunk, at - start, 0
        values: list[bytes] = []
        while token := _TOKEN.search(data, at):
            if token["end"] == b"" and token[0][:1] == b'"':  # it goes on in the next chunk
                at = token.start()
                break
            at, before = token.end(), depth
            depth += _DEEPER.get(token[0], 0)
            if before == 0:
                start = at
            elif depth == 0 or (depth == 1 and token[0] == b","):
                values.append(data[start : token.start()].strip())
                start = at
            if depth == 0:
                break
        else:
            at = len(data)
        if depth == 0 and values[-1:] == [b""]:  # an array without elements, or a comma at its end
            values.pop()
        yield list(range(count + 1, count + len(values) + 1)), values
        count += len(values)
        if depth == 0:
            _check_end(data[at:], file)
            return
        if len(data) - start > LONGEST_LINE:
            raise ReplayError(f"row {count + 1} has more than {LONGEST_LINE} bytes")
    raise ReplayError(f"the array does not end: row {count + 1} is cut off")


def _check_end(rest: bytes, file: Peeked) -> None:
    while not rest.strip():
        rest = file.read(BLOCK_BYTES)
        if not rest:
            return
    raise ReplayError("something follows the array")
