"""The keys of this process: its signing key, and those of publishers of configurations."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sentinel.model.document import ConfigError
from sentinel.model.file import read_document
from sentinel.model.people import People, read_people
from sentinel.settings import Settings, SettingsError, variable


def new_key() -> tuple[Ed25519PrivateKey, bytes]:
    """A new key, and its private half to be kept: PEM, not encrypted."""
    key = Ed25519PrivateKey.generate()
    return key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_signing_key(settings: Settings) -> Ed25519PrivateKey | None:
    """The key of SENTINEL_SIGNING_KEY_FILE, None without one; raises SettingsError."""
    if settings.signing_key_file is None:
        return None
    source = f"{variable('signing_key_file')}: {settings.signing_key_file}"
    try:
        key = load_pem_private_key(Path(settings.signing_key_file).read_bytes(), None)
    except OSError as error:
        raise SettingsError(f"{source}: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(f"{source}: no private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{source}: no Ed25519 key (`sentinel keys new` makes one)")
    return key


def read_publishers(settings: Settings) -> People | None:
    """Whose configurations count, None for everybody's; raises SettingsError."""
    if settings.publishers_file is None:
        return None
    name = variable("publishers_file")
    try:
        found = read_people(read_document(Path(settings.publishers_file)))
    except OSError as error:
        raise SettingsError(f"{name}: {settings.publishers_file}: {error.strerror}") from None
    except ConfigError as error:
        raise SettingsError(f"{name}: {error}") from None
    if not found.required:
        raise SettingsError(f"{name}: {settings.publishers_file}: it must say `required: true`")
    return found
