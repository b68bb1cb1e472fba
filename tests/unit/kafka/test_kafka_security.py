"""Connection security: the same for librdkafka and aiokafka, and what is wrong is named."""

import ssl
from pathlib import Path

import pytest
from confluent_kafka import Producer
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from tests.kafka.certificates import KEY_PASSWORD, make_ca, make_certificate

from sentinel.kafka.security import broker_credentials, client_config
from sentinel.settings import Settings, SettingsError


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, a certificate with an open key and one with a sealed key."""
    folder = tmp_path_factory.mktemp("keys")
    ca = make_ca(folder, "ca")
    make_certificate(ca, "open")
    make_certificate(ca, "sealed", KEY_PASSWORD)
    (folder / "key.password").write_text(f"{KEY_PASSWORD}\n")
    (folder / "wrong.password").write_text("not this\n")
    (folder / "two.password").write_text("one\ntwo\n")
    (folder / "empty.password").write_text("\n")
    (folder / "latin.password").write_bytes(b"\xe9\n")
    (folder / "junk.pem").write_text("no certificate\n")
    return folder


def _sasl(**more: str) -> Settings:
    return Settings(
        brokers="kafka:9094",
        sasl_mechanism="scram-sha-512",
        sasl_username="worker",
        **{"security": "sasl_ssl", **more},  # type: ignore[arg-type]  # names of text settings
    )


def _own(keys: Path, name: str, **more: str) -> Settings:
    return Settings(
        security="ssl",
        tls_ca_file=str(keys / "ca.pem"),
        tls_cert_file=str(keys / f"{name}.pem"),
        tls_key_file=str(keys / f"{name}.key"),
        **more,  # type: ignore[arg-type]  # names of text settings
    )


def test_plaintext_is_the_default() -> None:
    """No credentials for Faust, only the protocol for librdkafka."""
    assert client_config(Settings(brokers="kafka:9092")) == {
        "bootstrap.servers": "kafka:9092",
        "security.protocol": "plaintext",
        "log_level": 2,
    }
    assert broker_credentials(Settings()) is None


def test_scram_over_tls_means_the_same_to_both(keys: Path) -> None:
    """User, password without its line end, mechanism, protocol and authority."""
    secret = str(keys / "key.password")
    settings = _sasl(sasl_password_file=secret, tls_ca_file=str(keys / "ca.pem"))
    config = client_config(settings)
    assert config == {
        "bootstrap.servers": "kafka:9094",
        "security.protocol": "sasl_ssl",
        "log_level": 2,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "worker",
        "sasl.password": KEY_PASSWORD,
        "ssl.ca.location": str(keys / "ca.pem"),
    }
    auth = dict(credentials_to_aiokafka_auth(broker_credentials(settings)))
    context = auth.pop("ssl_context")
    assert auth == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "worker",
        "sasl_plain_password": KEY_PASSWORD,
    }
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert [each["subject"] for each in context.get_ca_certs()] == [((("commonName", "ca"),),)]


def test_a_password_without_tls() -> None:
    """The password may stand in the variable; nothing is said of certificates."""
    settings = _sasl(security="sasl_plaintext", sasl_password="hush")
    assert not [name for name in client_config(settings) if name.startswith("ssl.")]
    auth = credentials_to_aiokafka_auth(broker_credentials(settings))
    assert (auth["security_protocol"], auth["ssl_context"]) == ("SASL_PLAINTEXT", None)
    assert auth["sasl_plain_password"] == "hush"


@pytest.mark.parametrize("name", ["open", "sealed"])
def test_our_own_certificate_is_taken_by_both(keys: Path, name: str) -> None:
    """With an open key or a sealed one and its password."""
    more = {"tls_key_password_file": str(keys / "key.password")} if name == "sealed" else {}
    settings = _own(keys, name, **more)
    Producer(client_config(settings))
    auth = credentials_to_aiokafka_auth(broker_credentials(settings))
    assert auth["security_protocol"] == "SSL"


def test_without_a_file_the_systems_authorities_are_trusted() -> None:
    """A public certificate needs no file; librdkafka takes the configuration."""
    settings = _sasl(sasl_password="hush")
    assert client_config(settings)["ssl.ca.location"] == "probe"
    Producer(client_config(settings))


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        ("none.password", "No such file or directory"),
        ("two.password", "not one line"),
        ("empty.password", "not one line"),
        ("latin.password", "not UTF-8"),
        ("", "Is a directory"),
    ],
)
def test_a_wrong_password_file_is_named(keys: Path, file: str, complaint: str) -> None:
    """The variable, the path and what is wrong with it."""
    path = keys / file
    with pytest.raises(SettingsError) as error:
        client_config(_sasl(sasl_password_file=str(path)))
    assert str(error.value) == f"SENTINEL_SASL_PASSWORD_FILE: {path}: {complaint}"


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        ("none.pem", "No such file or directory"),
        ("junk.pem", "no certificates in it"),
    ],
)
def test_a_wrong_authority_file_is_named(keys: Path, file: str, complaint: str) -> None:
    """Missing, or no certificate: both clients' settings are refused alike."""
    settings = Settings(security="ssl", tls_ca_file=str(keys / file))
    for build in (client_config, broker_credentials):
        with pytest.raises(SettingsError) as error:
            build(settings)
        assert str(error.value) == f"SENTINEL_TLS_CA_FILE: {keys / file}: {complaint}"


@pytest.mark.parametrize(
    "changes",
    [
        {"tls_key_file": "open.key"},
        {"tls_cert_file": "junk.pem"},
        {"tls_key_password_file": "wrong.password"},
        {},  # and OpenSSL must not ask the terminal
    ],
)
def test_a_wrong_key_is_named(keys: Path, changes: dict[str, str]) -> None:
    """A key of another certificate, junk, a wrong password and a missing one."""
    files = {"tls_cert_file": "sealed.pem", "tls_key_file": "sealed.key", **changes}
    paths = {name: str(keys / file) for name, file in files.items()}
    with pytest.raises(SettingsError) as error:
        client_config(Settings(security="ssl", **paths))  # type: ignore[arg-type]
    assert str(error.value) == (
        "SENTINEL_TLS_CERT_FILE, SENTINEL_TLS_KEY_FILE, SENTINEL_TLS_KEY_PASSWORD_FILE: "
        "not a certificate, its key and the password that opens the key"
    )
