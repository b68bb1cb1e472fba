"""Settings: read once, refused with the variable's name."""

import shutil
from pathlib import Path

import pytest

from sentinel.model.document import ConfigError
from sentinel.settings import Settings, SettingsError, read_configuration, shipped_configs


def test_defaults_and_values() -> None:
    """Numbers and durations are converted; other variables are not ours."""
    settings = Settings.from_environment(
        {"SENTINEL_PARTITIONS": "12", "SENTINEL_HORIZON": "2h", "PATH": "/bin"}
    )
    assert (settings.partitions, settings.horizon_ms, settings.brokers) == (
        12,
        7_200_000,
        "localhost:9092",
    )


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        (
            "SENTINEL_BROKER",
            "x",
            'SENTINEL_BROKER is not a setting (did you mean "SENTINEL_BROKERS"?)',
        ),
        ("SENTINEL_PARTITIONS", "many", "SENTINEL_PARTITIONS: expected `int`, got `str`"),
        ("SENTINEL_PARTITIONS", "0", "SENTINEL_PARTITIONS: expected `int` >= 1"),
        (
            "SENTINEL_HORIZON",
            "soon",
            'SENTINEL_HORIZON: "soon" is not a duration: a whole number and s, m, h or d, like 10m',
        ),
    ],
)
def test_refused(variable: str, value: str, complaint: str) -> None:
    """A wrong value or a typing mistake is one line that names the variable."""
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({variable: value})
    assert str(error.value) == complaint


def test_an_empty_folder_name_is_refused() -> None:
    """An empty variable must not quietly mean the shipped configuration."""
    with pytest.raises(SettingsError, match=r"^SENTINEL_CONFIGS: "):
        Settings.from_environment({"SENTINEL_CONFIGS": ""})


def test_the_shipped_configuration_is_the_default(tmp_path: Path) -> None:
    """A copy of it, named outright, has the same version: file names are relative."""
    copy = shutil.copytree(shipped_configs(), tmp_path / "configs")
    assert read_configuration(None).version == read_configuration(copy).version


def test_a_configuration_error_names_the_file_in_its_folder(tmp_path: Path) -> None:
    """The place is relative to the folder, with forward slashes."""
    copy = shutil.copytree(shipped_configs(), tmp_path / "configs")
    (copy / "rules" / "credit.yaml").write_text("rules: 5\n")
    with pytest.raises(ConfigError) as error:
        read_configuration(copy)
    assert error.value.path == "rules/credit.yaml"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The operating system's kind of error, with the path that was asked for."""
    missing = tmp_path / "nowhere"
    with pytest.raises(NotADirectoryError) as error:
        read_configuration(missing)
    assert error.value.filename == str(missing)


_SASL = {
    "SENTINEL_SECURITY": "sasl_ssl",
    "SENTINEL_SASL_MECHANISM": "plain",
    "SENTINEL_SASL_USERNAME": "worker",
    "SENTINEL_SASL_PASSWORD": "hush",
}


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        (
            {"SENTINEL_SECURITY": "tls"},
            (
                r"SENTINEL_SECURITY: expected `str` matching regex "
                r"'\\A(plaintext|ssl|sasl_plaintext|sasl_ssl)\\Z'"
            ),
        ),
        (
            {"SENTINEL_SASL_USERNAME": "worker"},
            "SENTINEL_SASL_USERNAME is set, but SENTINEL_SECURITY=plaintext does not use it",
        ),
        (
            {**_SASL, "SENTINEL_SECURITY": "ssl"},
            "SENTINEL_SASL_MECHANISM is set, but SENTINEL_SECURITY=ssl does not use it",
        ),
        (
            {**_SASL, "SENTINEL_SECURITY": "sasl_plaintext", "SENTINEL_TLS_CA_FILE": "ca.pem"},
            "SENTINEL_TLS_CA_FILE is set, but SENTINEL_SECURITY=sasl_plaintext does not use it",
        ),
        (
            {"SENTINEL_SECURITY": "ssl", "SENTINEL_TLS_CERT_FILE": "a.pem"},
            "SENTINEL_TLS_CERT_FILE needs SENTINEL_TLS_KEY_FILE",
        ),
        (
            {"SENTINEL_SECURITY": "ssl", "SENTINEL_TLS_KEY_PASSWORD_FILE": "a"},
            "SENTINEL_TLS_KEY_PASSWORD_FILE needs SENTINEL_TLS_KEY_FILE",
        ),
        (
            {"SENTINEL_SECURITY": "sasl_ssl"},
            "SENTINEL_SECURITY=sasl_ssl needs SENTINEL_SASL_MECHANISM",
        ),
        (
            {"SENTINEL_SECURITY": "sasl_ssl", "SENTINEL_SASL_MECHANISM": "plain"},
            "SENTINEL_SECURITY=sasl_ssl needs SENTINEL_SASL_USERNAME",
        ),
        (
            {**_SASL, "SENTINEL_SASL_PASSWORD_FILE": "secret"},
            (
                "SENTINEL_SECURITY=sasl_ssl needs either SENTINEL_SASL_PASSWORD or "
                "SENTINEL_SASL_PASSWORD_FILE"
            ),
        ),
    ],
)
def test_security_that_does_not_fit_together(variables: dict[str, str], complaint: str) -> None:
    """What contradicts or lacks something is one line that names the variables."""
    with pytest.raises(SettingsError) as error:
        Settings.from_environment(variables)
    assert str(error.value) == complaint


def test_a_password_is_never_shown() -> None:
    """Neither in the repr nor among the settings that people are shown."""
    settings = Settings.from_environment(_SASL)
    assert settings.sasl_password == "hush"
    assert "hush" not in repr(settings)
    assert settings.shown()["sasl_password"] == "********"
    assert "tls_ca_file" not in settings.shown()


def test_the_archive_is_a_folder_or_none() -> None:
    """Empty or none: no archive; a URL is refused, or a folder of that name would be made."""
    folders = {
        text: Settings.from_environment({"SENTINEL_ARCHIVE": text}).archive_folder
        for text in ("", "none", "events")
    }
    assert folders == {"": None, "none": None, "events": Path("events")}
    with pytest.raises(SettingsError, match="SENTINEL_ARCHIVE: a folder, not a URL"):
        Settings.from_environment({"SENTINEL_ARCHIVE": "s3://bucket/events"})
