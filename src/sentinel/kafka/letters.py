"""Dead letters as records: whole, or cut to the size that the topic accepts.

The sender of a bad record chooses its size.  The letter must be written for every size and every
limit of the topic: otherwise the worker would end, and end again at the same record.

A letter that has been sent again has a marker behind it, in its own partition and under its own
key: a record without a value whose header ``repaired`` names who sent it.  It has the headers
``reason`` and ``detail``, as the contract promises of every record there.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping

from sentinel.model.letter import Letter, RecordPosition
from sentinel.model.step import DeadLetter

LETTER_BYTES = 2 << 20
"""The largest record of the topic, as ``sentinel topics create`` makes it."""
BESIDE_BYTES = 64 << 10
"""The part of it for all but the value: position, key, reason, detail, and Kafka's own."""
VALUE_BYTES = LETTER_BYTES - BESIDE_BYTES
"""A value of so many bytes is kept whole."""
_KEY_BYTES = 32 << 10
_DETAIL_BYTES = 2_000
_LEAST_BYTES = 256
REPAIRED = "repaired"
"""A marker's reason, and the name of its own header."""
_KEY = re.compile(rb"([\w.-]+)-(\d{1,9})-(\d{1,18})")
_NUMBER = re.compile(rb"\d{1,18}")
Headers = dict[str, bytes]


def letter_record(letter: DeadLetter, most_bytes: int) -> tuple[bytes, bytes | None, Headers]:
    """Key, value and headers of the letter's record; the value has ``most_bytes`` at most.

    Of a value or key that is cut, the start is kept; the headers ``value_bytes`` and
    ``value_sha256``, ``key_bytes`` and ``key_sha256`` have the length and hash of the whole.
    """
    letter_id = letter_key(RecordPosition(letter.topic, letter.partition, letter.offset))
    detail = letter.detail.encode("utf-8", "replace")[:_DETAIL_BYTES]
    headers = {"reason": letter.reason.encode(), "detail": detail}
    if letter.key is not None:
        headers["key"] = _cut("key", letter.key, min(_KEY_BYTES, most_bytes), headers)
    value = letter.value
    if value is not None:
        value = _cut("value", value, most_bytes, headers)
    return letter_id, value, headers


def letter_key(position: RecordPosition) -> bytes:
    """The key of the letter, and of its marker, for the record at a position."""
    return f"{position.topic}-{position.partition}-{position.offset}".encode()


def read_headers(headers: Iterable[tuple[str, bytes | str | None]] | None) -> Headers:
    """A record's headers by name, as the client library gives them."""
    found = {}
    for name, value in headers or ():
        found[name] = value.encode() if isinstance(value, str) else value or b""
    return found


def read_letter(
    key: bytes | None,
    value: bytes | None,
    headers: Mapping[str, bytes],
    spot: tuple[int, int],
    at_ms: int,
) -> Letter | None:
    """The letter of a record on the topic; None where it is none, such as a marker."""
    position = read_key(key)
    if position is None or is_marker(headers) or "reason" not in headers:
        return None
    length = _NUMBER.fullmatch(headers.get("value_bytes", b""))
    whole = len(value) if value is not None else None
    return Letter(
        position=position,
        spot=spot,
        at_ms=at_ms,
        reason=_text(headers["reason"]),
        detail=_text(headers.get("detail", b"")),
        value_bytes=int(length[0]) if length else whole,
        is_cut="value_bytes" in headers,
    )


def read_key(key: bytes | None) -> RecordPosition | None:
    """The position in a letter's key; None if the key has none."""
    found = _KEY.fullmatch(key or b"")
    return None if found is None else RecordPosition(_text(found[1]), int(found[2]), int(found[3]))


def marker_headers(by: str) -> Headers:
    """The headers of the marker of a letter that ``by`` has sent again."""
    name = by.encode("utf-8", "replace")
    return {"reason": REPAIRED.encode(), "detail": b"sent again by " + name, REPAIRED: name}


def is_marker(headers: Mapping[str, bytes]) -> bool:
    """Whether a record on the topic is the marker of a letter that was sent again."""
    return REPAIRED in headers


def repairer(headers: Mapping[str, bytes]) -> str:
    """Who has sent the letter of a marker again."""
    return _text(headers[REPAIRED])


def event_headers(position: RecordPosition, by: str) -> Headers:
    """The headers of an event that replaces the record at a position."""
    return {"repairs": str(position).encode(), "repaired-by": by.encode("utf-8", "replace")}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def fewer(most_bytes: int) -> int:
    """How many bytes of a value to try after the topic has refused so many."""
    return max(_LEAST_BYTES, most_bytes // 2)


def _cut(name: str, whole: bytes, most_bytes: int, headers: Headers) -> bytes:
    if len(whole) <= most_bytes:
        return whole
    headers[f"{name}_bytes"] = str(len(whole)).encode()
    headers[f"{name}_sha256"] = hashlib.sha256(whole).hexdigest().encode()
    return whole[:most_bytes]
