"""Channels: how pages are sent to each kind of receiver, one file per kind."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import UNSET

from sentinel.delivery.channels.alertmanager import Alertmanager
from sentinel.delivery.channels.channel import Channel, Refused, Unreached
from sentinel.delivery.channels.chat import Chat
from sentinel.delivery.channels.dingtalk import DingTalk
from sentinel.delivery.channels.feishu import Feishu
from sentinel.delivery.channels.heartbeat import Heartbeat
from sentinel.delivery.channels.http import Http
from sentinel.delivery.channels.pagerduty import PagerDuty
from sentinel.delivery.channels.robot import Robot
from sentinel.delivery.channels.slack import Slack
from sentinel.delivery.channels.teams import Teams
from sentinel.delivery.channels.webhook import Webhook
from sentinel.delivery.channels.wecom import WeCom
from sentinel.delivery.declare import Plan, read_folder, routes_of
from sentinel.delivery.entries import ChannelEntry, ChannelError, HeartbeatEntry, Secret

__all__ = [
    "Alertmanager",
    "Channel",
    "Heartbeat",
    "Refused",
    "Robot",
    "Unreached",
    "open_channel",
    "open_heartbeat",
    "read_usable",
]

_ROBOTS: dict[str, type[Robot]] = {
    "dingtalk": DingTalk,
    "wecom": WeCom,
    "feishu": Feishu,
    "slack": Slack,
    "teams": Teams,
}


def open_channel(entry: ChannelEntry, name: str, environ: Mapping[str, str]) -> Channel:
    """The channel that routes.yaml calls ``name``; raises ChannelError if a secret is missing."""
    try:
        url = entry.url.read(environ) if isinstance(entry.url, Secret) else entry.url
        key = "" if entry.key is UNSET else entry.key.read(environ)
        if entry.type == "apprise":
            return Chat(url)
        _check_url(url)
        return _over_http(entry.type, url, key, Http(environ))
    except (ChannelError, ValueError) as error:
        raise ChannelError(f"channel {name}: {error}") from None


def read_usable(folder: Path, environ: Mapping[str, str]) -> Plan:
    """The plan in a configuration folder, of which every channel can be opened.

    A channel whose secrets are not here, such as on the machine where a configuration is
    reviewed, is not tried.  Raises ConfigError, and OSError for a missing file.
    """
    plan = read_folder(folder)
    for name, entry in plan.channels.items():
        secrets = (each for each in (entry.url, entry.key) if isinstance(each, Secret))
        if all(each.is_here(environ) for each in secrets):
            try:
                open_channel(entry, name, environ)
            except ChannelError as error:
                reason = str(error).removeprefix(f"channel {name}: ")
                raise routes_of(folder).error(("channels", name), reason) from None
    return plan


def open_heartbeat(entry: HeartbeatEntry, environ: Mapping[str, str]) -> Heartbeat:
    """The monitor that routes.yaml names; raises ChannelError if its URL is missing or wrong."""
    try:
        url = entry.url.read(environ) if isinstance(entry.url, Secret) else entry.url
        _check_url(url)
        return Heartbeat(url, Http(environ))
    except (ChannelError, ValueError) as error:
        raise ChannelError(f"heartbeat: {error}") from None


def _check_url(url: str) -> None:
    """Raises ValueError, without the URL: it may hold a token."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or any(each.isspace() for each in url):
        raise ValueError("its url is not one of http:// or https:// and a host")


def _over_http(kind: str, url: str, key: str, http: Http) -> Channel:
    """The channel of a type that is not Apprise; raises ValueError for an unusable key."""
    match kind:
        case "pagerduty":
            return PagerDuty(url, key, http)
        case "alertmanager":
            return Alertmanager(url, http)
        case "webhook":
            return Webhook(url, key, http)
    return _ROBOTS[kind](url, key, http)
