"""Channels as ``configs/routes.yaml`` names them, and where their secrets are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field


class ChannelError(Exception):
    """A channel cannot be used; the message names what is missing, and never a secret."""


class Secret(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret is: an environment variable or a file."""

    env: str = ""
    file: str = ""

    def is_here(self, environ: Mapping[str, str]) -> bool:
        """Whether this process may read it: where a configuration is checked, few may."""
        return self.env in environ if self.env else Path(self.file).exists()

    def read(self, environ: Mapping[str, str]) -> str:
        """The secret itself, without white space around it; raises ChannelError."""
        if self.env:
            found = environ.get(self.env, "").strip()
            if not found:
                raise ChannelError(f"{self.env} is not set")
            return found
        try:
            found = Path(self.file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ChannelError(f"{self.file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ChannelError(f"{self.file}: not UTF-8 text") from None
        if not found:
            raise ChannelError(f"{self.file} is empty")
        return found


class Rate(Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many pages in a time."""

    pages: Annotated[int, Meta(ge=1)]
    per: str


NEEDS_KEY = ("pagerduty", "webhook")
MAY_HAVE_KEY = ("dingtalk", "feishu")  # where the robot's signature is switched on
_USUAL_RATE = Rate(pages=60, per="1m")
_USUAL_RATES = {
    "dingtalk": Rate(pages=20, per="1m"),
    "wecom": Rate(pages=20, per="1m"),
    "feishu": Rate(pages=100, per="1m"),
}
# Beyond these a robot refuses: DingTalk refuses everything for the next ten minutes.
MOST_A_MINUTE = {"dingtalk": 20, "wecom": 20}


class ChannelEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One channel as it is written; ``rate`` is the usual one of its type if none is."""

    type: Literal[
        "pagerduty",
        "alertmanager",
        "webhook",
        "dingtalk",
        "wecom",
        "feishu",
        "slack",
        "teams",
        "apprise",
    ]
    url: str | Secret
    key: Secret | UnsetType = UNSET
    written_rate: Rate | UnsetType = field(default=UNSET, name="rate")

    @property
    def rate(self) -> Rate:
        """At most so many pages are sent in a time."""
        if self.written_rate is not UNSET:
            return self.written_rate
        return _USUAL_RATES.get(self.type, _USUAL_RATE)


class HeartbeatEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """The monitor that gets a heartbeat of the pager at an interval."""

    url: str | Secret
    every: str = "1m"
