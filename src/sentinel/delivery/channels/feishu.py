"""A custom robot of a Feishu or Lark group: an interactive card, signed with its secret."""

import base64
import hashlib
import hmac
from typing import Any

from sentinel.delivery.channels.http import Answer
from sentinel.delivery.channels.markdown import target
from sentinel.delivery.channels.robot import OPEN, Line, Note, Robot, judge_code
from sentinel.model.alert import Tier

_HEADERS = {
    Tier.RED: "red",
    Tier.ORANGE: "orange",
    Tier.YELLOW: "yellow",
    Tier.BLUE: "blue",
    None: "green",
}
_ENTITIES = {ord(mark): f"&#{ord(mark)};" for mark in "*_[]<>`~\\&#()!|"}
_TOO_FAST = frozenset({9499, 11232, 11233, 99991400})
_REFUSED = frozenset(
    {
        11246,  # the card cannot be read
        19002,  # a parameter is wrong
        230025,  # too long
        230099,  # the card cannot be made
    }
)
_SIGNATURE_BYTES = 128  # at most what sign() adds to a body


class Feishu(Robot):
    """A robot at ``https://open.feishu.cn/open-apis/bot/v2/hook/…``."""

    most_bytes = 20_000

    def render(self, note: Note) -> dict[str, Any]:
        """A card with a header in the tier's colour and, for one alert, a button."""
        content = "\n".join(map(_markdown, note.lines))
        elements: list[dict[str, Any]] = [
            {"tag": "div", "text": {"tag": "lark_md", "content": content}}
        ]
        if note.link:
            text = {"tag": "plain_text", "content": OPEN}
            button = {"tag": "button", "text": text, "type": "primary", "url": note.link}
            elements.append({"tag": "action", "actions": [button]})
        header = {
            "template": _HEADERS[note.colour],
            "title": {"tag": "plain_text", "content": note.title},
        }
        card = {"config": {"wide_screen_mode": True}, "header": header, "elements": elements}
        return {"msg_type": "interactive", "card": card}

    def fits(self, message: dict[str, Any]) -> bool:
        """Whether the body and a signature are within the limit."""
        return super().fits({**message, "sign": "s" * _SIGNATURE_BYTES})

    def sign(self, message: dict[str, Any], now_ms: int) -> tuple[str, dict[str, Any]]:
        """Add the time in seconds and the signature, the HMAC of an empty text, to the body."""
        if not self._key:
            return self._url, message
        moment = str(now_ms // 1000)
        digest = hmac.digest(f"{moment}\n{self._key}".encode(), b"", hashlib.sha256)
        sign = base64.b64encode(digest).decode()
        return self._url, {"timestamp": moment, "sign": sign, **message}

    def judge(self, answer: Answer) -> None:
        """Raise Refused or Unreached unless ``code``, or ``StatusCode`` in old ones, is 0."""
        judge_code(answer, _TOO_FAST, _REFUSED)


def _markdown(line: Line) -> str:
    """Feishu reads HTML entities, so marks stay what they are."""
    text = line.text.translate(_ENTITIES)
    return f"[{text}]({target(line.link)})" if line.link else text
