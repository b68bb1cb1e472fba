"""A robot of a WeCom group: Markdown with three colours."""

from typing import Any

from sentinel.delivery.channels.http import Answer
from sentinel.delivery.channels.markdown import body, plain
from sentinel.delivery.channels.robot import Note, Robot, judge_code
from sentinel.model.alert import Tier

# All that it has: warning is orange, comment is grey, info is green.
_COLOURS = {
    Tier.RED: "warning",
    Tier.ORANGE: "warning",
    Tier.YELLOW: "comment",
    Tier.BLUE: "comment",
    None: "info",
}
_TOO_FAST = frozenset({-1, 45009, 45011, 45033})  # -1 is "system busy"
_REFUSED = frozenset(
    {
        40008,  # this type of message is not supported
        40035,  # a parameter is wrong
        40058,  # the content is too long
        44004,  # the content is empty
        45002,  # the content is too long
        47001,  # the body is not JSON
    }
)


class WeCom(Robot):
    """A robot at ``https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…``."""

    most_bytes = 4_096  # of the content, in UTF-8

    def render(self, note: Note) -> dict[str, Any]:
        """Markdown whose title has the tier's colour."""
        title = f'**<font color="{_COLOURS[note.colour]}">{plain(note.title)}</font>**'
        return {"msgtype": "markdown", "markdown": {"content": "\n".join((title, *body(note)))}}

    def fits(self, message: dict[str, Any]) -> bool:
        """Whether the content, not the whole body, is within the limit."""
        return len(message["markdown"]["content"].encode()) <= self.most_bytes

    def judge(self, answer: Answer) -> None:
        """Raise Refused or Unreached unless ``errcode`` is 0."""
        judge_code(answer, _TOO_FAST, _REFUSED)
