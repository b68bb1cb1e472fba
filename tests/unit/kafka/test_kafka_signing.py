"""The keys of a process: read from files, or one line that says what is wrong."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sentinel.kafka.signing import new_key, read_publishers, read_signing_key
from sentinel.model.signature import public_text
from sentinel.settings import Settings, SettingsError


def test_a_key_is_read_as_it_was_made(tmp_path: Path) -> None:
    """The same public half; none where nothing is set."""
    key, kept = new_key()
    (tmp_path / "key").write_bytes(kept)
    found = read_signing_key(Settings(signing_key_file=str(tmp_path / "key")))
    assert found is not None
    assert public_text(found) == public_text(key)
    assert read_signing_key(Settings()) is None


def _rsa() -> bytes:
    key = generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        (b"", "no private key in PEM without a password"),
        (b"\xff", "no private key in PEM without a password"),
        (_rsa(), "no Ed25519 key"),
    ],
)
def test_a_wrong_key_names_the_variable(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    """And the file, and nothing of what is in it."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_signing_key(Settings(signing_key_file=str(path)))
    assert str(caught.value).startswith(f"SENTINEL_SIGNING_KEY_FILE: {path}: {message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        ("required: false\npeople: {}\n", "it must say `required: true`"),
        ("required: true\npeople: {}\n", ":1:11: nobody has a key"),
        ("[", "publishers.yaml"),
    ],
)
def test_a_wrong_file_of_publishers_names_the_variable(
    tmp_path: Path, content: str | None, message: str
) -> None:
    """A worker must not take everybody's configuration by mistake."""
    path = tmp_path / "publishers.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError) as caught:
        read_publishers(Settings(publishers_file=str(path)))
    assert str(caught.value).startswith("SENTINEL_PUBLISHERS_FILE: ")
    assert message in str(caught.value)


def test_publishers_are_read(tmp_path: Path) -> None:
    """Their names and keys; none where nothing is set."""
    key, _ = new_key()
    path = tmp_path / "publishers.yaml"
    path.write_text(f'required: true\npeople:\n  releases: {{key: "{public_text(key)}"}}\n')
    found = read_publishers(Settings(publishers_file=str(path)))
    assert found is not None
    assert set(found.keys) == {"releases"}
    assert read_publishers(Settings()) is None
