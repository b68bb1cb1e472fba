"""A receiver's answer without the secrets that were sent to it."""

from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

_SHOWN = 200
_SHORTEST_SECRET = 8  # a shorter part of a URL, like "hook" or "send", is no token


def secrets_of(url: str, key: str = "") -> tuple[str, ...]:
    """What of a URL and its key may be secret, the longest first, as written and decoded."""
    parts = urlsplit(url)
    written = [parts.username or "", *parts.path.split("/")]
    written += [piece.partition("=")[2] for piece in parts.query.split("&")]
    decoded = [unquote(each) for each in written] + [value for _, value in parse_qsl(parts.query)]
    found = {each for each in written + decoded if len(each) >= _SHORTEST_SECRET}
    always = {key, parts.password or "", unquote(parts.password or "")}
    return tuple(sorted(found | always - {""}, key=lambda each: (-len(each), each)))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The start of the text on one line, with ``***`` for each of ``secrets``, longest first."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return " ".join(text[:_SHOWN].split())
