"""``configs/people.yaml``: whose answers and silences count, and the keys that prove them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta, Struct

from sentinel.model.document import Document
from sentinel.model.events import Word
from sentinel.model.signature import SignatureError, Signed, is_signed, read_public_key, verified

FRESH_MS = 600_000
"""How far a signature's time may lie from its record's append time."""


class _Person(Struct, frozen=True, forbid_unknown_fields=True):
    key: Annotated[str, Meta(max_length=64)]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    required: bool
    people: dict[Word, _Person]


@dataclass(frozen=True, slots=True)
class People:
    """Keys by name; with ``required``, unsigned and unknown records are refused."""

    required: bool = False
    keys: Mapping[str, Ed25519PublicKey] = field(default_factory=dict, repr=False)

    def read(self, value: bytes, recorded_ms: int) -> Signed:
        """The payload of a record, and who signed it; raises SignatureError.

        ``recorded_ms`` is its append time, 0 or less where it has none: then any time will do.
        """
        if not is_signed(value):
            if self.required:
                raise SignatureError("it is not signed, and people.yaml asks for that")
            return Signed(value)
        signed = verified(value, self.keys)
        if recorded_ms > 0 and abs(recorded_ms - signed.at_ms) > FRESH_MS:
            raise SignatureError("its signature is of another time: it may have been sent before")
        return signed


def read_people(document: Document) -> People:
    """The people in ``document``; raises :class:`~sentinel.model.document.ConfigError`."""
    file = document.convert(_File)
    keys = {}
    for name, person in file.people.items():
        try:
            keys[name] = read_public_key(person.key)
        except ValueError:
            hint = "`sentinel keys new` writes one"
            raise document.error(("people", name, "key"), "it is no Ed25519 key", hint) from None
    if file.required and not keys:
        raise document.error(("required",), "nobody has a key: nobody could answer any more")
    return People(file.required, keys)
