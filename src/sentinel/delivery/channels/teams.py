"""A Workflows webhook of Microsoft Teams, or an older connector: an Adaptive Card."""

from typing import Any

from sentinel.delivery.channels.channel import Refused, Unreached
from sentinel.delivery.channels.http import Answer
from sentinel.delivery.channels.robot import OPEN, TOO_FAST_S, Line, Note, Robot
from sentinel.model.alert import Tier

_COLOURS = {
    Tier.RED: "attention",
    Tier.ORANGE: "warning",
    Tier.YELLOW: "warning",
    Tier.BLUE: "accent",
    None: "good",
}


class Teams(Robot):
    """A webhook whose workflow posts the card to a chat or channel."""

    # The limit is about 28 KB, of which Teams uses some for its own frame around the card.
    most_bytes = 20_000

    def render(self, note: Note) -> dict[str, Any]:
        """A card of text runs, in which Teams reads no Markdown."""
        title = {"weight": "bolder", "size": "medium", "color": _COLOURS[note.colour]}
        card: dict[str, Any] = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "msteams": {"width": "Full"},
            "body": [_block(Line(note.title), title), *(_block(line, {}) for line in note.lines)],
        }
        if note.link:
            card["actions"] = [{"type": "Action.OpenUrl", "title": OPEN, "url": note.link}]
        kind = "application/vnd.microsoft.card.adaptive"
        return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}

    def judge(self, answer: Answer) -> None:
        """Raise Refused or Unreached unless the answer is 202, or the ``1`` of a connector.

        A connector answers 200 with a text that has the status of what really happened.
        """
        if answer.status == 202 or (answer.status == 200 and answer.body.strip() == b"1"):
            return
        if b"WorkflowTriggerIsNotEnabled" in answer.body:  # HTTP 400, but it can be enabled
            raise Unreached(answer.words(), answer.after_s)
        answer.raise_for_status()
        if b"HTTP error 413" in answer.body:
            raise Refused(answer.words())
        if b"HTTP error 429" in answer.body:
            raise Unreached(answer.words(), answer.after_s or TOO_FAST_S)
        raise Unreached(f"not Teams' answer: {answer.words()}", answer.after_s)


def _block(line: Line, style: dict[str, str]) -> dict[str, Any]:
    run: dict[str, Any] = {"type": "TextRun", "text": line.text, **style}
    if line.link:
        run["selectAction"] = {"type": "Action.OpenUrl", "url": line.link}
    return {"type": "RichTextBlock", "inlines": [run]}
