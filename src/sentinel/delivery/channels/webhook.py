"""A signed webhook, as the Standard Webhooks specification has it."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from sentinel.delivery.channels.channel import facts, rfc3339
from sentinel.delivery.channels.http import Http
from sentinel.delivery.page import Page

_PREFIX = "whsec_"
_LEAST_BYTES = 24  # of a secret, by the specification


class Webhook:
    """A receiver at ``url`` that shares ``key``, ``whsec_`` and base64; raises ValueError."""

    remembers = True

    def __init__(self, url: str, key: str, http: Http) -> None:
        self._url, self._http, self._written_key = url, http, key.removeprefix(_PREFIX)
        try:
            self._key = base64.b64decode(key.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise ValueError("its key is not base64 after whsec_") from None
        if len(self._key) < _LEAST_BYTES:
            raise ValueError(f"its key has less than {_LEAST_BYTES} bytes")

    async def send(self, page: Page, now_ms: int) -> None:
        """Post the page, signed; the receiver recognises a resend by ``webhook-id``."""
        body = msgspec.json.encode(
            {
                "type": f"sentinel.alert.{page.kind}",
                "timestamp": rfc3339(now_ms),
                "data": facts(page),
            }
        )
        await self._post(page.page_id, body, now_ms)

    async def send_digest(self, pages: Sequence[Page], now_ms: int) -> None:
        """One by one: a program reads them."""
        for page in pages:
            await self.send(page, now_ms)

    async def _post(self, message_id: str, body: bytes, now_ms: int) -> None:
        moment = str(now_ms // 1000)
        signed = b".".join((message_id.encode(), moment.encode(), body))
        signature = base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": moment,
            "webhook-signature": f"v1,{signature}",
        }
        await self._http.deliver(self._url, body, now_ms, headers=headers, key=self._written_key)
