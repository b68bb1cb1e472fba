"""Dead letters as records: whole up to the byte, and cut beyond with what tells the whole."""

import hashlib

import pytest

from sentinel.kafka.letters import (
    BESIDE_BYTES,
    LETTER_BYTES,
    VALUE_BYTES,
    fewer,
    is_marker,
    letter_key,
    letter_record,
    marker_headers,
    read_headers,
    read_letter,
    repairer,
)
from sentinel.model.letter import Letter, RecordPosition
from sentinel.model.step import DeadLetter, DeadLetterReason


def _letter(value: bytes | None, key: bytes | None = None, detail: str = "no JSON") -> DeadLetter:
    return DeadLetter("t.logins", 3, 17, key, value, DeadLetterReason.MALFORMED, detail)


def _size(record: tuple[bytes, bytes | None, dict[str, bytes]]) -> int:
    key, value, headers = record
    beside = sum(len(name) + len(text) for name, text in headers.items())
    return len(key) + len(value or b"") + beside


@pytest.mark.parametrize("size", [0, 1, VALUE_BYTES - 1, VALUE_BYTES])
def test_a_value_that_fits_is_whole(size: int) -> None:
    """Byte for byte, and no header says otherwise."""
    value = b"\xff" * size
    key, kept, headers = letter_record(_letter(value, b"k"), VALUE_BYTES)
    assert (key, kept) == (b"t.logins-3-17", value)
    assert headers == {"reason": b"malformed", "detail": b"no JSON", "key": b"k"}


def test_one_byte_more_is_cut_and_told() -> None:
    """Length and hash of the whole are in headers."""
    value = b"x" * (VALUE_BYTES + 1)
    _, kept, headers = letter_record(_letter(value), VALUE_BYTES)
    assert kept == value[:-1]
    assert headers["value_bytes"] == b"2031617"
    assert headers["value_sha256"] == hashlib.sha256(value).hexdigest().encode()


@pytest.mark.parametrize("most", [VALUE_BYTES, 4_096, 256])
def test_whatever_comes_the_record_is_no_larger_than_the_topic_takes(most: int) -> None:
    """A huge value, key and detail at once."""
    letter = _letter(b"v" * 9_000_000, b"k" * 9_000_000, "行" * 9_000_000)
    record = letter_record(letter, most)
    assert _size(record) <= most + BESIDE_BYTES - 1_000 <= LETTER_BYTES
    assert record[2]["key_bytes"] == b"9000000"


def test_a_missing_value_and_key_stay_missing() -> None:
    """A tombstone is put aside as one."""
    _, value, headers = letter_record(_letter(None), VALUE_BYTES)
    assert value is None
    assert "key" not in headers


def test_what_the_topic_refuses_is_tried_shorter_but_not_for_ever_shorter() -> None:
    """Halves, down to what every topic takes."""
    tried: list[int] = []
    most = VALUE_BYTES
    while not tried or most != tried[-1]:
        tried.append(most)
        most = fewer(most)
    assert tried[:2] == [VALUE_BYTES, VALUE_BYTES // 2]
    assert tried[-1] == 256


def test_a_letter_is_read_back_as_it_was_written() -> None:
    """Place, reason, detail and the whole's length; whether it is cut."""
    key, value, headers = letter_record(_letter(b"{" * 300, b"k"), 256)
    letter = read_letter(key, value, headers, (1, 5), 1_000)
    assert letter == Letter(
        RecordPosition("t.logins", 3, 17), (1, 5), 1_000, "malformed", "no JSON", 300, is_cut=True
    )
    _, value, headers = letter_record(_letter(None), 256)
    letter = read_letter(key, value, headers, (1, 5), 1_000)
    assert letter is not None
    assert (letter.value_bytes, letter.is_cut) == (None, False)


def test_a_marker_is_no_letter() -> None:
    """It stands under the letter's key, names who sent it, and keeps the contract's headers."""
    headers = marker_headers("li.wei")
    assert {"reason", "detail"} <= set(headers)
    assert (
        read_letter(letter_key(RecordPosition("t.logins", 3, 17)), None, headers, (1, 5), 1_000)
        is None
    )
    assert (is_marker(headers), repairer(headers)) == (True, "li.wei")
    assert not is_marker(letter_record(_letter(b"{"), 256)[2])


@pytest.mark.parametrize("key", [None, b"", b"t-1", b"t-1-x", b"t-1-" + b"9" * 19])
def test_a_record_under_another_key_is_no_letter(key: bytes | None) -> None:
    """Whatever somebody else has written to the topic."""
    headers = letter_record(_letter(b"{"), 256)[2]
    assert read_letter(key, b"{", headers, (1, 5), 1_000) is None


def test_headers_are_bytes_however_they_come() -> None:
    """The client library gives bytes, texts or nothing."""
    assert read_headers([("a", b"1"), ("b", "2"), ("c", None)]) == {"a": b"1", "b": b"2", "c": b""}
    assert read_headers(None) == {}
