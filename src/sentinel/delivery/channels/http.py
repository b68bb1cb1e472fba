"""The HTTP client of all channels: proxies, authorities, statuses, and errors without secrets."""

import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

from sentinel.delivery.channels.channel import Refused, Unreached
from sentinel.delivery.channels.redact import redacted, secrets_of
from sentinel.delivery.entries import ChannelError
from sentinel.settings import variable

_MOST_READ = 64 * 1024  # bytes of an answer: a receiver may send megabytes
_LONGEST_WAIT_S = 3_600.0
# An operator can mend these: a password, a proxy, a channel that was archived, a wrong address.
_MENDABLE = frozenset({401, 403, 404, 407, 408, 410, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered: its status, the first 64 KiB of its body, and Retry-After."""

    status: int
    body: bytes
    after_s: float | None
    secrets: tuple[str, ...]

    def words(self, text: str | None = None) -> str:
        """The start of ``text``, by default of the body, without the request's secrets."""
        text = self.body.decode(errors="replace") if text is None else text
        return redacted(text, self.secrets)

    def raise_for_status(self) -> None:
        """Raise Refused for a status that blames the page, Unreached for others.

        A status below 300 raises nothing.
        """
        if self.status < 300:
            return
        problem = f"HTTP {self.status}: {self.words()}".removesuffix(": ")
        if 400 <= self.status < 500 and self.status not in _MENDABLE:
            raise Refused(problem)
        raise Unreached(problem, self.after_s)


class Http:
    """Posts JSON; uses the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name.

    It trusts the system's authorities (SSL_CERT_FILE replaces them) and those in the file
    that SENTINEL_CA_FILE names.  Raises ChannelError if that file is not readable PEM.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._tls = ssl.create_default_context()
        name = variable("ca_file")
        if not environ.get(name):
            return
        path = environ[name]
        try:
            self._tls.load_verify_locations(cafile=path)
        except ssl.SSLError:
            raise ChannelError(f"{name}: {path}: no certificates in it") from None
        except OSError as error:
            raise ChannelError(f"{name}: {path}: {error.strerror}") from None

    async def post(
        self,
        url: str,
        body: bytes,
        now_ms: int,
        *,
        headers: Mapping[str, str] | None = None,
        key: str = "",
    ) -> Answer:
        """POST a JSON body without following redirects; raises Unreached if no answer comes.

        No error contains the URL's path, query and user, or ``key``.  A connection is made
        for each page: pages are rare, and one that is kept open may have died.
        """
        sent = {
            "Content-Type": "application/json; charset=utf-8",
            "Accept-Encoding": "identity",  # 64 KiB shall be 64 KiB
            **(headers or {}),
        }
        try:
            async with (
                aiohttp.ClientSession(trust_env=True) as session,
                session.post(
                    url, data=body, headers=sent, allow_redirects=False, ssl=self._tls
                ) as answer,
            ):
                return Answer(
                    answer.status,
                    await _start_of(answer),
                    _after_s(answer.headers.get("Retry-After", ""), now_ms),
                    secrets_of(url, key),
                )
        except Exception as error:  # noqa: BLE001 - after any error here the page is retried
            raise Unreached(f"{_host(url)}: {_reason(error)}") from None

    async def deliver(
        self,
        url: str,
        body: bytes,
        now_ms: int,
        *,
        headers: Mapping[str, str] | None = None,
        key: str = "",
    ) -> None:
        """POST to a receiver and judge the answer by its status; raises Refused or Unreached."""
        (await self.post(url, body, now_ms, headers=headers, key=key)).raise_for_status()


async def _start_of(answer: aiohttp.ClientResponse) -> bytes:
    parts, left = [], _MOST_READ
    while left and (part := await answer.content.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _after_s(text: str, now_ms: int) -> float | None:
    """Seconds until the receiver wants the next attempt, an hour at most.

    ``text`` is Retry-After: seconds, or a date.  None for what is neither or not ahead.
    """
    try:
        wait_s = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
            if moment.tzinfo is None:  # "-0000", which is UTC too
                moment = moment.replace(tzinfo=UTC)
            wait_s = moment.timestamp() - now_ms / 1000
        except (ValueError, OverflowError):
            return None
    return min(wait_s, _LONGEST_WAIT_S) if math.isfinite(wait_s) and wait_s > 0 else None


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""  # checked when the channel was opened


def _reason(error: Exception) -> str:
    """Why no answer came, never in the error's own words: these may hold the URL."""
    match error:
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answers HTTP {error.status}"
        case aiohttp.ClientProxyConnectionError():
            return f"the proxy cannot be reached: {error.strerror}"
        case aiohttp.ClientConnectorCertificateError():
            why = getattr(error.certificate_error, "verify_message", "")
            return f"its certificate is not trusted: {why}"
        case aiohttp.InvalidURL() | UnicodeError():
            return "not a valid URL"
        case aiohttp.ClientOSError() | OSError() if error.strerror:
            return error.strerror
    return type(error).__name__
