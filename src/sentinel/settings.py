"""Where a process runs and what it talks to: read once from ``SENTINEL_`` variables."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

import sentinel
from sentinel.model.document import did_you_mean
from sentinel.model.duration import parse_duration
from sentinel.model.file import read_text

if TYPE_CHECKING:
    from sentinel.engine import Configuration

_PREFIX = "SENTINEL_"
_Text = Annotated[str, Meta(min_length=1)]
_MASK = "********"
_NEEDS = (  # a setting, and the one that it needs
    ("tls_cert_file", "tls_key_file"),
    ("tls_key_file", "tls_cert_file"),
    ("tls_key_password_file", "tls_key_file"),
)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return _PREFIX + name.upper()


class SettingsError(Exception):
    """A setting cannot be used; the message names the variable."""


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of a worker and of the commands that talk to Kafka."""

    brokers: _Text = "localhost:9092"
    app_id: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._-]*\Z")] = "sentinel"
    topic_prefix: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._-]*\Z")] = "sentinel"
    partitions: Annotated[int, Meta(ge=1, le=1024)] = 4
    replication: Annotated[int, Meta(ge=1, le=9)] = 1
    configs: _Text | None = None
    web_host: str = "127.0.0.1"
    web_port: Annotated[int, Meta(ge=0, le=65535)] = 6066
    outbox: _Text = "sqlite:///sentinel-outbox.db"  # where the pager keeps its pages
    history: _Text = "sqlite:///sentinel-history.db"  # the database of history and desk
    desk_url: Annotated[str, Meta(pattern=r"\Ahttps?://[^/?#]+\Z")] = (
        "http://127.0.0.1:6066"  # in links
    )
    history_keep: str = "400d"  # how long history keeps what has ended
    archive: str = "sentinel-archive"  # the folder of history's events; none: no archive
    horizon: str = "24h"  # the least retention of inputs, which recovery replays
    snapshot_interval: str = "5m"
    snapshot_steps: Annotated[int, Meta(ge=1)] = 20_000
    session_timeout: str = "15s"  # a worker not heard of for so long loses its partitions
    max_poll_records: Annotated[int, Meta(ge=1, le=100_000)] = 20_000
    check_crcs: bool = True  # of fetched records; those of librdkafka's built-in cluster are wrong
    built_in_cluster: bool = False  # the brokers are that cluster: one batch a fetch
    failpoint: str | None = None  # see shard.failpoint; for tests of crashes
    masking_key_file: _Text | None = None  # key of the tokens of masking.yaml
    signing_key_file: _Text | None = None  # signs responses, silences, configurations
    publishers_file: _Text | None = None  # whose configurations count; like people.yaml
    schema_registry: _Text | None = None  # its URL: outputs are Avro, and inputs may be
    ca_file: _Text | None = None  # authorities that the pager trusts besides the system's
    security: Annotated[str, Meta(pattern=r"\A(plaintext|ssl|sasl_plaintext|sasl_ssl)\Z")] = (
        "plaintext"
    )
    sasl_mechanism: (
        Annotated[str, Meta(pattern=r"\A(plain|scram-sha-256|scram-sha-512)\Z")] | None
    ) = None
    sasl_username: _Text | None = None
    sasl_password: _Text | None = None
    sasl_password_file: _Text | None = None
    tls_ca_file: _Text | None = None
    tls_cert_file: _Text | None = None
    tls_key_file: _Text | None = None
    tls_key_password_file: _Text | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the variables; raises SettingsError."""
        known = {variable(name): name for name in cls.__struct_fields__}
        values = {}
        for key, text in environ.items():
            if not key.startswith(_PREFIX):
                continue
            if key not in known:
                hint = did_you_mean(key, known)
                raise SettingsError(f"{key} is not a setting" + (f" ({hint})" if hint else ""))
            values[known[key]] = text
        settings = cls()
        for name, text in values.items():
            try:
                value = msgspec.convert({name: text}, cls, strict=False)
            except msgspec.ValidationError as error:
                problem = str(error).partition(" - at")[0]
                problem = problem[:1].lower() + problem[1:]
                raise SettingsError(f"{variable(name)}: {problem}") from None
            settings = msgspec.structs.replace(settings, **{name: getattr(value, name)})
        for name in ("horizon", "snapshot_interval", "session_timeout", "history_keep"):
            try:
                parse_duration(getattr(settings, name))
            except ValueError as error:
                raise SettingsError(f"{variable(name)}: {error}") from None
        _refuse_what_does_not_fit(settings)
        return settings

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={value!r}" for name, value in self.shown().items())
        return f"Settings({parts})"

    def shown(self) -> dict[str, object]:
        """The settings that have a value, by name; secrets are masked."""
        return {
            name: _masked(name, value)
            for name, value in msgspec.structs.asdict(self).items()
            if value is not None
        }

    @property
    def horizon_ms(self) -> int:
        """The least retention of inputs, in milliseconds."""
        return parse_duration(self.horizon)

    @property
    def snapshot_interval_ms(self) -> int:
        """The longest time between two snapshots of a shard, in milliseconds."""
        return parse_duration(self.snapshot_interval)

    @property
    def session_timeout_s(self) -> float:
        """How long the group waits for a worker's heartbeat, in seconds."""
        return parse_duration(self.session_timeout) / 1000

    @property
    def history_keep_ms(self) -> int:
        """How long history keeps what has ended, in milliseconds."""
        return parse_duration(self.history_keep)

    @property
    def archive_folder(self) -> Path | None:
        """The folder of the archive; None if history keeps no events."""
        return None if self.archive in ("", "none") else Path(self.archive)

    @property
    def uses_sasl(self) -> bool:
        """Whether clients authenticate by name and password."""
        return self.security.startswith("sasl")

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security.endswith("ssl")


def _masked(name: str, value: object) -> object:
    if name == "sasl_password":
        return _MASK
    if name in ("outbox", "history", "schema_registry"):  # a URL may hold a password
        return re.sub(r"(//[^/@:]*:)[^@]*@", rf"\g<1>{_MASK}@", str(value))
    return value


def _refuse_what_does_not_fit(settings: Settings) -> None:
    """Raise SettingsError for security settings that contradict or lack one another."""
    if "://" in settings.archive:
        raise SettingsError(f"{variable('archive')}: a folder, not a URL")
    chosen = f"{variable('security')}={settings.security}"
    given = settings.shown()
    for start, used in (("sasl_", settings.uses_sasl), ("tls_", settings.uses_tls)):
        for name in given:
            if name.startswith(start) and not used:
                raise SettingsError(f"{variable(name)} is set, but {chosen} does not use it")
    for name, needed in _NEEDS:
        if name in given and needed not in given:
            raise SettingsError(f"{variable(name)} needs {variable(needed)}")
    if not settings.uses_sasl:
        return
    for name in ("sasl_mechanism", "sasl_username"):
        if name not in given:
            raise SettingsError(f"{chosen} needs {variable(name)}")
    passwords = ("sasl_password", "sasl_password_file")
    if sum(name in given for name in passwords) != 1:
        first, second = map(variable, passwords)
        raise SettingsError(f"{chosen} needs either {first} or {second}")


def shipped_configs() -> Path:
    """The configuration folder that comes with Sentinel."""
    return Path(sentinel.__file__).parent / "configs"


def configuration_texts(folder: Path) -> dict[str, str]:
    """Text by path, within ``folder``, of what a configuration is made of.

    Raises ConfigError for a file that is not UTF-8, and OSError.
    """
    if not folder.is_dir():
        raise NotADirectoryError(20, "not a folder of configuration files", str(folder))
    patterns = ("*.yaml", "lists/*.yaml", "rules/*.yaml")
    files = sorted(file for pattern in patterns for file in folder.glob(pattern))
    names = {file.relative_to(folder).as_posix(): file for file in files}
    return {name: read_text(file, name) for name, file in names.items()}


def read_configuration(path: Path | None) -> "Configuration":
    """Read and check a configuration folder, the shipped one where ``path`` is None.

    Raises ConfigError, and OSError where the folder cannot be read.
    """
    from sentinel.engine import Configuration  # takes a second: not for `--help`

    return Configuration.parse(configuration_texts(shipped_configs() if path is None else path))
