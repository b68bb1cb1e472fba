"""Arrays of JSON as their elements, however they are laid out and cut into chunks."""

import io
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.replay import json_values as module
from sentinel.replay.block import ReplayError
from sentinel.replay.json_values import json_values
from sentinel.replay.recode import Peeked

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='a"\\[]{},:\n中', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


class Trickle(io.BytesIO):
    """A file that gives some bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        """At most the few."""
        return super().read(min(self._size, size) if size is not None and size > 0 else self._size)


def _elements(data: bytes, size: int) -> list[tuple[int, Any]]:
    file = Peeked(Trickle(data, size), size)
    file.start = data  # where it begins is seen at once
    return [
        (number, json.loads(value))
        for numbers, values in json_values(file, Counter())
        for number, value in zip(numbers, values, strict=True)
    ]


@given(
    st.lists(VALUES, max_size=5),
    st.sampled_from([None, 1]),
    st.booleans(),
    st.integers(min_value=2, max_value=40),
)
def test_an_array_is_its_elements(
    values: list[Any], indent: int | None, ascii_only: bool, size: int
) -> None:
    """Any elements, printed in any way and read in chunks of any size."""
    text = json.dumps([{}, *values] if values else [], indent=indent, ensure_ascii=ascii_only)
    found = _elements(f"\n {text} \n".encode(), size)
    assert found == list(enumerate([{}, *values] if values else [], 1))


def test_an_array_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """An element that does not end is not kept in memory for ever."""
    monkeypatch.setattr(module, "LONGEST_LINE", 10)
    with pytest.raises(ReplayError, match="row 2 has more than 10 bytes"):
        _elements(b'[{},"' + b"x" * 100 + b'"]', 8)
