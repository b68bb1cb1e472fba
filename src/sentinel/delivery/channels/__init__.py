"""Channels: how one kind of receiver is told of a page, a file each."""

from collections.abc import Mapping

from msgspec import UNSET

from sentinel.delivery.channels.alertmanager import Alertmanager
from sentinel.delivery.channels.channel import Channel, Refused, Unreached
from sentinel.delivery.channels.chat import Chat
from sentinel.delivery.channels.pagerduty import PagerDuty
from sentinel.delivery.channels.webhook import Webhook
from sentinel.delivery.declare import ChannelEntry, ChannelError, Secret

__all__ = ["Alertmanager", "Channel", "Refused", "Unreached", "open_channel"]


def open_channel(entry: ChannelEntry, name: str, environ: Mapping[str, str]) -> Channel:
    """The channel that routes.yaml calls ``name``; raises ChannelError if a secret is missing."""
    try:
        url = entry.url.read(environ) if isinstance(entry.url, Secret) else entry.url
        key = "" if entry.key is UNSET else entry.key.read(environ)
        match entry.type:
            case "pagerduty":
                return PagerDuty(url, key)
            case "alertmanager":
                return Alertmanager(url)
            case "webhook":
                return Webhook(url, key)
        return Chat(url)
    except (ChannelError, ValueError) as error:
        raise ChannelError(f"channel {name}: {error}") from None
