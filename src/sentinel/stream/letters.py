"""Dead letters as records: whole, or so much of them as the topic takes.

Whoever writes to an input chooses how large a record is that will be put aside.  However large
that is, and whatever the topic takes, the letter must be written: else the worker would end,
and end again at the same record.
"""

import hashlib

from sentinel.model.step import DeadLetter

LETTER_BYTES = 2 << 20
"""Of a record on the topic: what ``sentinel topics create`` has it take."""
BESIDE_BYTES = 64 << 10
"""For what is beside the value: place, key, reason, detail, and Kafka's own."""
VALUE_BYTES = LETTER_BYTES - BESIDE_BYTES
"""A value of so many bytes is put aside whole."""
_KEY_BYTES = 32 << 10
_DETAIL_BYTES = 2_000
_LEAST_BYTES = 256
Headers = dict[str, bytes]


def letter_record(letter: DeadLetter, most_bytes: int) -> tuple[bytes, bytes | None, Headers]:
    """Key, value and headers of the letter's record; the value has ``most_bytes`` at most.

    Of what is cut the headers ``value_bytes`` and ``value_sha256``, ``key_bytes`` and
    ``key_sha256`` tell the whole length and hash; the start is there.
    """
    place = f"{letter.topic}-{letter.partition}-{letter.offset}".encode()
    detail = letter.detail.encode("utf-8", "replace")[:_DETAIL_BYTES]
    headers = {"reason": letter.reason.encode(), "detail": detail}
    if letter.key is not None:
        headers["key"] = _cut("key", letter.key, min(_KEY_BYTES, most_bytes), headers)
    value = letter.value
    if value is not None:
        value = _cut("value", value, most_bytes, headers)
    return place, value, headers


def fewer(most_bytes: int) -> int:
    """How many bytes of a value to try after the topic has refused so many."""
    return max(_LEAST_BYTES, most_bytes // 2)


def _cut(name: str, whole: bytes, most_bytes: int, headers: Headers) -> bytes:
    if len(whole) <= most_bytes:
        return whole
    headers[f"{name}_bytes"] = str(len(whole)).encode()
    headers[f"{name}_sha256"] = hashlib.sha256(whole).hexdigest().encode()
    return whole[:most_bytes]
