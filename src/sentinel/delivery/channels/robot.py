"""What the robots of group chats have in common: notes that fit, digests in parts, answers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec

from sentinel.delivery.channels.channel import Refused, Unreached
from sentinel.delivery.channels.http import Answer, Http
from sentinel.delivery.channels.words import colour, headline, reason
from sentinel.delivery.page import Page
from sentinel.model.alert import Tier
from sentinel.model.reading import UNREADABLE

OPEN = (
    "在 Sentinel 中查看预警 / Open in Sentinel"  # with it, a robot's keyword 预警 is always there
)
TOO_FAST_S = 60.0  # robots send no Retry-After
_CUTS = (6_000, 3_000, 1_500, 600, 300, 150)  # bytes a text, tried until the message fits
# Bytes of an alert in a digest. The dispatcher hands over 50 alerts at most: with lines of this
# length they are four messages of WeCom, so that a minute's rate always has room for a digest.
_LINE = 250


@dataclass(frozen=True, slots=True)
class Line:
    """A text without line breaks, and what it links to."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """The content of a message; ``colour`` is None if no action is needed."""

    title: str
    colour: Tier | None
    lines: tuple[Line, ...]
    link: str = ""

    def cut(self, longest: int) -> "Note":
        """The note with no text longer than ``longest`` bytes."""
        lines = tuple(replace(line, text=cut(line.text, longest)) for line in self.lines)
        return replace(self, title=cut(self.title, longest), lines=lines)


class Robot(ABC):
    """A robot of a group chat at ``url``, which holds its token; ``key`` signs if it is set."""

    remembers = False
    most_bytes: ClassVar[int]  # of a request's body

    def __init__(self, url: str, key: str, http: Http) -> None:
        self._url, self._key, self._http = url, key, http

    async def send(self, page: Page, now_ms: int) -> None:
        """Write one message; raises Refused or Unreached."""
        await self._post(self._fitting(_note(page)), now_ms)

    async def send_digest(self, pages: Sequence[Page], now_ms: int) -> None:
        """Write as many messages as list all alerts; raises Refused or Unreached.

        If one of them fails, those before it have been written and are written again when
        the digest is retried.
        """
        for message in self._parts(pages):
            await self._post(message, now_ms)

    def messages(self, pages: Sequence[Page]) -> int:
        """How many messages tell of the pages: each counts against the robot's rate."""
        return 1 if len(pages) == 1 else sum(1 for _ in self._parts(pages))

    @abstractmethod
    def render(self, note: Note) -> dict[str, Any]:
        """The request's body, without a signature."""

    @abstractmethod
    def judge(self, answer: Answer) -> None:
        """Raise Refused or Unreached unless the robot accepted the message."""

    def sign(
        self,
        message: dict[str, Any],
        now_ms: int,  # noqa: ARG002 - of signatures
    ) -> tuple[str, dict[str, Any]]:
        """URL and body of the request, signed if the robot has a key."""
        return self._url, message

    def fits(self, message: dict[str, Any]) -> bool:
        """Whether the message is within the robot's limits."""
        return len(msgspec.json.encode(message)) <= self.most_bytes

    async def _post(self, message: dict[str, Any], now_ms: int) -> None:
        url, signed = self.sign(message, now_ms)
        body = msgspec.json.encode(signed)
        self.judge(await self._http.post(url, body, now_ms, key=self._key))

    def _fitting(self, note: Note) -> dict[str, Any]:
        """The message with its texts cut until it fits; a link is never cut."""
        for longest in _CUTS:
            message = self.render(note.cut(longest))
            if self.fits(message):
                break
        return message

    def _parts(self, pages: Sequence[Page]) -> Iterator[dict[str, Any]]:
        first = 0
        while first < len(pages):
            end = first + 1
            message = self._fitting(_digest(pages, first, end))
            while end < len(pages):
                wider = self.render(_digest(pages, first, end + 1))
                if not self.fits(wider):
                    break
                message, end = wider, end + 1
            yield message
            first = end


def cut(text: str, longest: int) -> str:
    """The text on one line, of at most ``longest`` bytes of UTF-8; ``…`` stands for the rest."""
    text = " ".join(text.split())
    whole = text.encode()
    if len(whole) <= longest:
        return text
    return whole[: longest - len("…".encode())].decode(errors="ignore") + "…"


def _note(page: Page) -> Note:
    content = page.content
    lines = [Line(reason(page))]
    if content.runbook:
        lines.append(Line(f"处置手册 / Runbook: {content.runbook}"))
    return Note(headline(page), colour([page]), tuple(lines), content.link)


def _digest(pages: Sequence[Page], first: int, end: int) -> Note:
    """The note of ``pages[first:end]``; a part of a digest has its number."""
    count = len(pages)
    title = f"Sentinel: {count} 条预警 / {count} alerts"
    if end - first < count:
        title += f" ({first + 1}-{end})"
    part = pages[first:end]
    lines = tuple(Line(cut(headline(page), _LINE), page.content.link) for page in part)
    return Note(title, colour(part), lines)


class _Status(msgspec.Struct, frozen=True):
    """The answer of a robot that has a code: Feishu has two forms, the others one."""

    errcode: int | None = None  # DingTalk, WeCom
    errmsg: str = ""
    code: int | None = None  # Feishu
    msg: str = ""
    status: int | None = msgspec.field(default=None, name="StatusCode")  # older Feishu
    status_message: str = msgspec.field(default="", name="StatusMessage")


def judge_code(answer: Answer, too_fast: frozenset[int], refused: frozenset[int]) -> None:
    """Read the code in a robot's answer, whatever its HTTP status; 0 is success.

    Raises Unreached for the codes ``too_fast``, Refused for ``refused``, and Unreached for
    all others: signature, keyword, token and address are for an operator to mend.
    """
    try:
        answered = msgspec.json.decode(answer.body, type=_Status)
    except UNREADABLE:
        answered = _Status()
    codes = [
        each for each in (answered.errcode, answered.code, answered.status) if each is not None
    ]
    if not codes:
        answer.raise_for_status()
        raise Unreached(f"not a robot's answer: {answer.words()}", answer.after_s)
    code = next((each for each in codes if each), 0)
    if not code:
        answer.raise_for_status()
        return
    problem = f"{code}: {answer.words(answered.errmsg or answered.msg or answered.status_message)}"
    if code in too_fast:
        raise Unreached(problem, answer.after_s or TOO_FAST_S)
    if code in refused:
        answer.raise_for_status()  # an overloaded server may answer anything
        raise Refused(problem)
    raise Unreached(problem, answer.after_s)
