"""How clients connect to Kafka: one reading of the settings for librdkafka and for Faust."""

import ssl
from pathlib import Path
from typing import Any

from sentinel.settings import Settings, SettingsError, variable


def client_config(settings: Settings) -> dict[str, Any]:
    """The common configuration of all librdkafka clients; raises SettingsError."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.brokers,
        "security.protocol": settings.security,
        "log_level": 2,  # errors come as exceptions; without this they also go to stderr
    }
    if settings.uses_sasl:
        config |= {
            "sasl.mechanism": _mechanism(settings),
            "sasl.username": settings.sasl_username,
            "sasl.password": _password(settings),
        }
    if settings.uses_tls:
        _tls_context(settings)  # names the wrong file; librdkafka does not
        config["ssl.ca.location"] = settings.tls_ca_file or "probe"  # for the system's own
    if settings.tls_key_file:
        config |= {
            "ssl.certificate.location": settings.tls_cert_file,
            "ssl.key.location": settings.tls_key_file,
        }
    if settings.tls_key_password_file:
        config["ssl.key.password"] = _key_password(settings)
    return config


def broker_credentials(settings: Settings) -> Any:
    """The credentials for Faust, None for plaintext; raises SettingsError."""
    from faust import auth  # noqa: PLC0415 - half a second that `sentinel topics` need not wait

    context = _tls_context(settings) if settings.uses_tls else None
    if settings.uses_sasl:
        return auth.SASLCredentials(
            mechanism=_mechanism(settings),
            username=settings.sasl_username,
            password=_password(settings),
            ssl_context=context,
        )
    return auth.SSLCredentials(context) if context is not None else None


def _mechanism(settings: Settings) -> str:
    return str(settings.sasl_mechanism).upper()


def _password(settings: Settings) -> str:
    return settings.sasl_password or _secret(settings, "sasl_password_file")


def _key_password(settings: Settings) -> str:
    return _secret(settings, "tls_key_password_file")


def _secret(settings: Settings, name: str) -> str:
    """The one line of a secret's file."""
    path = str(getattr(settings, name))
    try:
        secret = _bytes(name, path).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SettingsError(f"{variable(name)}: {path}: not UTF-8") from None
    if not secret or "\n" in secret:
        raise SettingsError(f"{variable(name)}: {path}: not one line")
    return secret


def _bytes(name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"{variable(name)}: {path}: {error.strerror}") from None


def _tls_context(settings: Settings) -> ssl.SSLContext:
    """Checks the brokers' certificates and names; shows our own certificate if there is one."""
    for name in ("tls_ca_file", "tls_cert_file", "tls_key_file"):
        path = getattr(settings, name)
        if path is not None:
            _bytes(name, path)
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file)
    except ssl.SSLError:
        source = f"{variable('tls_ca_file')}: {settings.tls_ca_file}"
        raise SettingsError(f"{source}: no certificates in it") from None
    if settings.tls_cert_file is not None:
        # An empty password, because OpenSSL would ask the terminal for one that is missing.
        password = _key_password(settings) if settings.tls_key_password_file else ""
        try:
            context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file, password)
        except ssl.SSLError:
            names = ", ".join(
                map(variable, ("tls_cert_file", "tls_key_file", "tls_key_password_file"))
            )
            raise SettingsError(
                f"{names}: not a certificate, its key and the password that opens the key"
            ) from None
    return context
