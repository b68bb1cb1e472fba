"""Where a process runs and what it talks to: read once from ``SENTINEL_`` variables."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

import sentinel
from sentinel.model.document import did_you_mean
from sentinel.model.duration import parse_duration

if TYPE_CHECKING:
    from sentinel.configuration import Configuration

_PREFIX = "SENTINEL_"


class SettingsError(Exception):
    """A setting cannot be used; the message names the variable."""


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of a worker and of the commands that talk to Kafka."""

    brokers: Annotated[str, Meta(min_length=1)] = "localhost:9092"
    app_id: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._-]*\Z")] = "sentinel"
    topic_prefix: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._-]*\Z")] = "sentinel"
    partitions: Annotated[int, Meta(ge=1, le=1024)] = 4
    replication: Annotated[int, Meta(ge=1, le=9)] = 1
    configs: Annotated[str, Meta(min_length=1)] | None = None
    web_host: str = "127.0.0.1"
    web_port: Annotated[int, Meta(ge=0, le=65535)] = 6066
    horizon: str = "24h"  # how far back a restarted shard reads its journal
    max_poll_records: Annotated[int, Meta(ge=1, le=100_000)] = 20_000

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the variables; raises SettingsError."""
        known = {_PREFIX + name.upper(): name for name in cls.__struct_fields__}
        values = {}
        for variable, text in environ.items():
            if not variable.startswith(_PREFIX):
                continue
            if variable not in known:
                hint = did_you_mean(variable, known)
                raise SettingsError(f"{variable} is not a setting" + (f" ({hint})" if hint else ""))
            values[known[variable]] = text
        settings = cls()
        for name, text in values.items():
            try:
                value = msgspec.convert({name: text}, cls, strict=False)
            except msgspec.ValidationError as error:
                problem = str(error).partition(" - at")[0]
                variable = _PREFIX + name.upper()
                raise SettingsError(f"{variable}: {problem[:1].lower() + problem[1:]}") from None
            settings = msgspec.structs.replace(settings, **{name: getattr(value, name)})
        try:
            parse_duration(settings.horizon)
        except ValueError as error:
            raise SettingsError(f"{_PREFIX}HORIZON: {error}") from None
        return settings

    @property
    def horizon_ms(self) -> int:
        """The rebuild horizon in milliseconds."""
        return parse_duration(self.horizon)


def shipped_configs() -> Path:
    """The configuration folder that comes with Sentinel."""
    return Path(sentinel.__file__).parent / "configs"


def read_configuration(path: Path | None) -> "Configuration":
    """Read and check a configuration folder, the shipped one where ``path`` is None.

    Raises ConfigError, and OSError where the folder cannot be read.
    """
    from sentinel.configuration import Configuration  # takes a second: not for `--help`

    folder = shipped_configs() if path is None else path
    if not folder.is_dir():
        raise NotADirectoryError(20, "not a folder of configuration files", str(folder))
    files = sorted([*folder.glob("*.yaml"), *folder.glob("rules/*.yaml")])
    texts = {
        file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in files
    }
    return Configuration.parse(texts)
