"""Signed records: RFC 7515 with Ed25519, what counts and what does not."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sentinel.model.document import ConfigError, parse
from sentinel.model.people import FRESH_MS, People, read_people
from sentinel.model.signature import (
    SignatureError,
    Signed,
    payload_of,
    public_text,
    read_public_key,
    sign,
    verified,
)

NOW_MS = 1_767_571_200_000
KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
KEYS = {"li.wei": KEY.public_key()}
PEOPLE = People(required=True, keys=KEYS)


def test_a_published_signature_is_verified() -> None:
    """RFC 8037, appendix A.4: its key, its payload and its bytes."""
    seed = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    key = Ed25519PrivateKey.from_private_bytes(seed)
    signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = base64.urlsafe_b64encode(key.sign(signed)).rstrip(b"=").decode()
    assert signature == (
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )


@given(st.binary(max_size=200), st.integers(0, 2**53))
def test_what_was_signed_comes_back(payload: bytes, at_ms: int) -> None:
    """The very bytes, the signer and the time."""
    record = sign(payload, KEY, "li.wei", at_ms)
    assert verified(record, KEYS) == Signed(payload, "li.wei", at_ms)
    assert payload_of(record) == payload


@given(st.data())
def test_a_record_with_a_byte_changed_is_refused(data: st.DataObject) -> None:
    """Wherever it is."""
    record = bytearray(sign(b'{"kind":"acknowledge"}', KEY, "li.wei", NOW_MS))
    at = data.draw(st.integers(0, len(record) - 1))
    record[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SignatureError):
        verified(bytes(record), KEYS)


def _part(header: dict[str, object]) -> bytes:
    text = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    return text + b".e30."


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"{}", "it is not signed, and people.yaml asks for that"),
        (sign(b"{}", OTHER, "li.wei", NOW_MS), "it is not signed by the key of li.wei"),
        (sign(b"{}", KEY, "mallory", NOW_MS), "no key of mallory is known"),
        (_part({"alg": "none", "kid": "li.wei", "iat_ms": NOW_MS}), "it is no signed record"),
        (_part({"alg": "HS256", "kid": "li.wei", "iat_ms": NOW_MS}), "it is no signed record"),
        (_part({"alg": "EdDSA", "kid": "li.wei"}), "it is no signed record"),
        (_part({"alg": "EdDSA", "kid": "li.wei", "iat_ms": NOW_MS}), "not signed by the key"),
        (b"eyJ", "it is no signed record"),
        (b"eyJ....", "it is no signed record"),
        (b"eyJ\xff.\xff.\xff", "it is no signed record"),
        (sign(b"{}", KEY, "li.wei", NOW_MS - FRESH_MS - 1), "of another time"),
        (sign(b"{}", KEY, "li.wei", NOW_MS + FRESH_MS + 1), "of another time"),
    ],
)
def test_what_proves_nothing_is_refused(record: bytes, message: str) -> None:
    """In words that say what is missing."""
    with pytest.raises(SignatureError, match=message):
        PEOPLE.read(record, NOW_MS)


def test_unsigned_records_count_where_nobody_asks_for_signatures() -> None:
    """A wrong signature counts nowhere."""
    people = People(required=False, keys=KEYS)
    assert people.read(b"{}", NOW_MS) == Signed(b"{}")
    assert people.read(sign(b"{}", KEY, "li.wei", NOW_MS), NOW_MS).signer == "li.wei"
    with pytest.raises(SignatureError):
        people.read(sign(b"{}", OTHER, "li.wei", NOW_MS), NOW_MS)


def test_people_are_read_from_their_file() -> None:
    """Names and keys, as ``sentinel keys new`` writes them."""
    text = f'required: true\npeople:\n  li.wei: {{key: "{public_text(KEY)}"}}\n'
    people = read_people(parse(text, "people.yaml"))
    assert people.required
    assert people.keys["li.wei"].public_bytes_raw() == KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("required: true\npeople: {}\n", "people.yaml:1:11: nobody has a key"),
        ('required: false\npeople:\n  a: {key: "?"}\n', "people.yaml:3:12: it is no Ed25519 key"),
        ('required: false\npeople:\n  a: {key: "AAAA"}\n', "people.yaml:3:12: it is no Ed25519"),
        ("required: maybe\npeople: {}\n", "people.yaml:1:11: "),
        ("required: false\npeople: {}\nkeys: {}\n", "people.yaml:3:1: "),
    ],
)
def test_a_wrong_file_says_where(text: str, where: str) -> None:
    """Line, column and what is meant."""
    with pytest.raises(ConfigError) as caught:
        read_people(parse(text, "people.yaml"))
    assert str(caught.value).startswith(where)


def test_a_key_of_another_length_is_none() -> None:
    """32 bytes, no more and no less."""
    with pytest.raises(ValueError, match="32 bytes"):
        read_public_key("AAAA")
