"""Signed records: who wrote what, proved by a key.

A signed record is a JSON Web Signature in its compact form (RFC 7515), made with Ed25519 (RFC
8037, RFC 8032), over the very bytes of the record that would else stand there.  Its header names
the signer (``kid``) and when it was signed (``iat_ms``, ms UTC), so that an old record that is
sent again is known as old.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from sentinel.model.events import Word
from sentinel.model.reading import UNREADABLE

_STARTS = b"eyJ"  # what `{"` is in base64, with which no other record starts
KEY_BYTES = 32


class SignatureError(ValueError):
    """A record is not signed as required; the message has the reason."""


class _Header(Struct, frozen=True, forbid_unknown_fields=True):
    alg: Literal["EdDSA"]
    kid: Word
    iat_ms: Annotated[int, Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class Signed:
    """The payload of a signed record, its signer and time (ms UTC); ``signer`` None: not signed."""

    payload: bytes
    signer: str | None = None
    at_ms: int = 0


def is_signed(value: bytes) -> bool:
    """Whether a record is a signed one, rightly or not."""
    return value.startswith(_STARTS)


def sign(payload: bytes, key: Ed25519PrivateKey, signer: str, at_ms: int) -> bytes:
    """The payload as a signed record."""
    header = msgspec.json.encode(_Header("EdDSA", signer, at_ms))
    signed = _encoded(header) + b"." + _encoded(payload)
    return signed + b"." + _encoded(key.sign(signed))


def verified(value: bytes, keys: Mapping[str, Ed25519PublicKey]) -> Signed:
    """The payload of a signed record; raises SignatureError unless one of the keys signed it."""
    signed, _, signature = value.rpartition(b".")
    head, _, body = signed.partition(b".")
    try:
        header = msgspec.json.decode(_decoded(head), type=_Header)
        payload, proof = _decoded(body), _decoded(signature)
    except UNREADABLE:
        raise SignatureError("it is no signed record (RFC 7515, compact, EdDSA)") from None
    key = keys.get(header.kid)
    if key is None:
        raise SignatureError(f"no key of {header.kid} is known")
    try:
        key.verify(proof, signed)
    except InvalidSignature:
        raise SignatureError(f"it is not signed by the key of {header.kid}") from None
    return Signed(payload, header.kid, header.iat_ms)


def payload_of(value: bytes) -> bytes:
    """The payload of a record, signed or not, without verification; raises SignatureError."""
    if not is_signed(value):
        return value
    try:
        return _decoded(value.split(b".")[1])
    except (ValueError, IndexError):
        raise SignatureError("it is no signed record (RFC 7515, compact, EdDSA)") from None


def read_public_key(text: str) -> Ed25519PublicKey:
    """The key in base64, as :func:`public_text` writes it; raises ValueError."""
    data = base64.b64decode(text, validate=True)
    if len(data) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes")
    return Ed25519PublicKey.from_public_bytes(data)


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half of a key, in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True)
    except binascii.Error:
        raise ValueError("not base64url") from None
    if _encoded(data) != text:  # one text for each content
        raise ValueError("not base64url")
    return data
