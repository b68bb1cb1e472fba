"""A custom robot of a DingTalk group: Markdown, signed with its secret."""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote

from sentinel.delivery.channels.http import Answer
from sentinel.delivery.channels.markdown import body, plain
from sentinel.delivery.channels.robot import Note, Robot, judge_code

_TOO_FAST = frozenset({-1, 130101, 410100})  # -1 is "system busy"
_REFUSED = frozenset(
    {
        40035,  # a parameter is missing or wrong
        400105,  # this type of message is not supported
        430101,  # the text, the picture or the link is not admissible
        430102,
        430103,
        430104,
        460101,  # too long
    }
)


class DingTalk(Robot):
    """A robot at ``https://oapi.dingtalk.com/robot/send?access_token=…``."""

    most_bytes = 20_000

    def render(self, note: Note) -> dict[str, Any]:
        """Markdown; its title is what a phone shows on its locked screen."""
        text = "\n\n".join((f"### {plain(note.title)}", *body(note)))
        return {"msgtype": "markdown", "markdown": {"title": note.title, "text": text}}

    def sign(self, message: dict[str, Any], now_ms: int) -> tuple[str, dict[str, Any]]:
        """Add the time and the signature to the URL."""
        if not self._key:
            return self._url, message
        signed = f"{now_ms}\n{self._key}".encode()
        digest = hmac.digest(self._key.encode(), signed, hashlib.sha256)
        sign = quote(base64.b64encode(digest).decode(), safe="")
        joint = "&" if "?" in self._url else "?"
        return f"{self._url}{joint}timestamp={now_ms}&sign={sign}", message

    def judge(self, answer: Answer) -> None:
        """Raise Refused or Unreached unless ``errcode`` is 0."""
        judge_code(answer, _TOO_FAST, _REFUSED)
