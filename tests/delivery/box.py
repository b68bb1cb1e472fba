"""An outbox on SQLite, fed with alerts as the pager feeds it."""

from collections.abc import Sequence
from pathlib import Path

from tests.delivery.alerts import NOW
from tests.delivery.plans import plan

from sentinel.delivery.outbox import Outbox, Read
from sentinel.delivery.page import Page
from sentinel.delivery.plan import NoPage
from sentinel.model.alert import Alert

PLAN = plan()


def read_of(alerts: Sequence[Alert], start: int = 0) -> Read:
    """The records of a partition from an offset on."""
    return Read("alerts-0", start, start + len(alerts), list(enumerate(alerts, start)))


class Box:
    """An outbox and the offset of the next record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outbox = Outbox(f"sqlite:///{path}/outbox.db")
        self.offset = 0

    def store(self, *alerts: Alert, now_ms: int = NOW) -> dict[NoPage, int]:
        """The next records of the topic."""
        read = read_of(alerts, self.offset)
        self.offset = read.end
        return dict(self.outbox.accept(read, PLAN, now_ms))

    def restarts(self) -> None:
        """The process ends and another one opens the same database."""
        self.outbox.close()
        self.outbox = Outbox(f"sqlite:///{self.path}/outbox.db")

    def due(self, channel: str, now_ms: int = NOW) -> list[Page]:
        """What is to be sent on a channel."""
        self.outbox.close_digests(channel, PLAN, now_ms)
        return self.outbox.due(channel, now_ms, 100)

    def sends(self, channel: str, now_ms: int = NOW) -> list[str]:
        """Send what is due; the kinds of pages that were."""
        pages = self.due(channel, now_ms)
        self.outbox.begin(pages)
        self.outbox.sent(pages, now_ms)
        return [page.kind for page in pages]
