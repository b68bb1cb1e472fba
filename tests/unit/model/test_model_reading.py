"""How deep a record may be nested, whoever reads it."""

import sys
from collections.abc import Callable

import msgspec
import pytest

from sentinel.ingest.records import READERS
from sentinel.model.events import Stream
from sentinel.model.reading import MOST_LEVELS, check_levels


def _nested(levels: int) -> bytes:
    return b'{"x":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize("value", [_nested(MOST_LEVELS), b"[" * MOST_LEVELS, b"[],{}," * 10_000])
def test_what_is_within_the_bound_passes(value: bytes) -> None:
    """Levels count, not brackets, and brackets in a string are text."""
    check_levels(value)
    check_levels(b'"' + b"[" * 10_000 + rb"\"" + b"{" * 10_000 + b'"')


@pytest.mark.parametrize("value", [_nested(MOST_LEVELS + 1), b'"\\\\"' + b"[" * 1_000_000])
def test_what_is_deeper_is_refused(value: bytes) -> None:
    """With a message that says the bound."""
    with pytest.raises(msgspec.DecodeError, match="nested deeper than 128 levels"):
        check_levels(value)


def _called_from(depth: int, call: Callable[[], str]) -> str:
    return call() if not depth else _called_from(depth - 1, call)


@pytest.mark.parametrize("levels", [MOST_LEVELS - 1, MOST_LEVELS, 700, 900, 990, 5_000])
def test_the_same_record_is_the_same_to_every_caller(levels: int) -> None:
    """A worker's thread and its recovery call from different depths of the stack."""
    value = b'{"event_id":"e","x":' + _nested(levels) + b"}"

    def outcome() -> str:
        try:
            return str(READERS[Stream.LOGIN](value))
        except (ValueError, RecursionError) as error:
            return f"{type(error).__name__}: {error}"

    deep = sys.getrecursionlimit() - 400
    assert outcome() == _called_from(deep, outcome)
