"""An incoming webhook of Slack: Block Kit beside a bar in the tier's colour."""

from typing import Any

from sentinel.delivery.channels.channel import Unreached
from sentinel.delivery.channels.http import Answer
from sentinel.delivery.channels.markdown import target
from sentinel.delivery.channels.robot import OPEN, Line, Note, Robot
from sentinel.model.alert import Tier

_BARS = {
    Tier.RED: "#d72b2b",
    Tier.ORANGE: "#e87511",
    Tier.YELLOW: "#e6c229",
    Tier.BLUE: "#2f6fd0",
    None: "#2e9e5b",
}
_TEXT = 3_000  # characters of a section
_BLOCKS = 50
# Slack answers with a word; an operator can mend these, with any status.
_MENDABLE = frozenset(
    {
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "invalid_token",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "posting_to_general_channel_denied",
        "team_disabled",
    }
)


class Slack(Robot):
    """A webhook at ``https://hooks.slack.com/services/…``."""

    most_bytes = 100_000  # Slack names no limit of the body; its limits are in fits()

    def render(self, note: Note) -> dict[str, Any]:
        """The title as the message's text, which notifications show, then a section a line."""
        lines = [*note.lines, Line(OPEN, note.link)] if note.link else note.lines
        blocks = [
            {"type": "section", "text": {"type": "mrkdwn", "text": _mrkdwn(line)}} for line in lines
        ]
        bar = {"color": _BARS[note.colour], "blocks": blocks}
        return {"text": f"*{_escaped(note.title)}*", "attachments": [bar]}

    def fits(self, message: dict[str, Any]) -> bool:
        """Whether each text has at most 3,000 characters, and there are at most 50 sections."""
        blocks = message["attachments"][0]["blocks"]
        texts = [message["text"], *(block["text"]["text"] for block in blocks)]
        return len(blocks) <= _BLOCKS and max(map(len, texts)) <= _TEXT and super().fits(message)

    def judge(self, answer: Answer) -> None:
        """Raise Refused or Unreached unless the answer is the word ``ok``."""
        if answer.body.strip().decode(errors="replace") in _MENDABLE:
            raise Unreached(answer.words(), answer.after_s)
        answer.raise_for_status()
        if answer.body.strip() != b"ok":
            raise Unreached(f"not Slack's answer: {answer.words()}", answer.after_s)


def _mrkdwn(line: Line) -> str:
    text = _escaped(line.text)
    return f"<{_escaped(target(line.link))}|{text}>" if line.link else text


def _escaped(text: str) -> str:
    """Slack has escapes for links and mentions; its ``*`` and ``_`` can only change the font."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
