"""The metrics of the pager."""

from collections import Counter as Counts
from collections.abc import Iterable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from sentinel.delivery.page import Page, PageKind
from sentinel.delivery.plan import NoPage
from sentinel.kafka.storing import NotStored
from sentinel.model.alert import Tier

_SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)
_NO_PAGE = {
    NotStored.UNREADABLE: NoPage.UNREADABLE,
    NotStored.UNSTORABLE: NoPage.UNMADE,
    NotStored.GONE: NoPage.GONE,
}


class Result(StrEnum):
    """What became of an attempt."""

    SENT = "sent"
    DIGESTED = "digested"  # sent, with others in one
    FAILED = "failed"  # to be tried again
    THROTTLED = "throttled"  # to be retried when the receiver asks for it
    GIVEN_UP = "given_up"


class PagerTask(StrEnum):
    """What a pager does all the time."""

    ACCEPT = "accept"  # put alerts into the outbox
    CHANNEL = "channel"  # send pages
    COUNT = "count"  # count the outbox
    TIDY = "tidy"  # delete what has ended
    READ = "read"  # ask Kafka whether all alerts have been stored
    FALLBACK = "fallback"  # page the fallback of what waits too long
    RESEND = "resend"  # tell Alertmanager what is open
    HEARTBEAT = "heartbeat"  # tell the dead man's switch that all is well


class PagerMetrics:
    """All metrics of one pager."""

    def __init__(self, registry: CollectorRegistry, channels: Iterable[str]) -> None:
        self._pages = Counter(
            "sentinel_pages_total",
            "Attempts to send a page.",
            ("channel", "result"),
            registry=registry,
        )
        self._unsent = Counter(
            "sentinel_unsent_pages_total",
            "Pages that were not sent.",
            ("reason",),
            registry=registry,
        )
        self._digests = Counter(
            "sentinel_late_digests_total",
            "Digests of alerts that were found late, delivered.",
            ("channel",),
            registry=registry,
        )
        self._found_late = Counter(
            "sentinel_late_digest_alerts_total",
            "Alerts in the delivered digests of alerts that were found late.",
            ("channel", "tier"),
            registry=registry,
        )
        self._seconds = Histogram(
            "sentinel_event_to_page_seconds",
            "From the record of the triggering event to the delivered page, if it was due at once.",
            ("channel",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._outbox = Gauge(
            "sentinel_outbox_pages", "Pages in the outbox.", ("state",), registry=registry
        )
        self._oldest = Gauge(
            "sentinel_oldest_due_page_seconds",
            "Since when the oldest page that should have been sent by now waits; 0 if none does.",
            ("tier",),
            registry=registry,
        )
        self._unread = Gauge(
            "sentinel_pager_unread_seconds",
            "Since when the oldest alert that is in Kafka and not in the outbox waits; 0 if none.",
            registry=registry,
        )
        self._failures = Counter(
            "sentinel_pager_failures_total",
            "Failures of a task of the pager, which is retried.",
            ("task",),
            registry=registry,
        )
        self._start_at_zero(channels)

    def _start_at_zero(self, channels: Iterable[str]) -> None:
        """Create the series of known labels, so that rates work from the first page."""
        for task in PagerTask:
            self._failures.labels(task)
        for tier in Tier:
            self._oldest.labels(tier)
        for channel in channels:
            self._seconds.labels(channel)
            self._digests.labels(channel)
            for tier in Tier:
                self._found_late.labels(channel, tier)
            for result in Result:
                self._pages.labels(channel, result)
        for reason in NoPage:
            self._unsent.labels(reason)

    def sent(self, page: Page, now_ms: int, *, digested: bool) -> None:
        """A page has been delivered."""
        self.tried(page, Result.DIGESTED if digested else Result.SENT)
        if page.kind is PageKind.TRIGGER and page.prompt and page.attempts == 0:
            self._seconds.labels(page.channel).observe(
                max(0, now_ms - page.content.recorded_ms) / 1000
            )

        if page.content.late is not None:
            self._digests.labels(page.channel).inc()
            for tier, count in page.content.late.tiers.items():
                self._found_late.labels(page.channel, tier).inc(count)

    def tried(self, page: Page, result: Result) -> None:
        """Count an attempt."""
        self._pages.labels(page.channel, result).inc()

    def dropped(self, reason: NoPage) -> None:
        """Count a page that will not be sent."""
        self._unsent.labels(reason).inc()

    def not_stored(self, reason: NotStored, records: int = 1) -> None:
        """Count alerts that are not in the outbox."""
        self._unsent.labels(_NO_PAGE[reason]).inc(records)

    def accepted(self, unsent: Counts[NoPage]) -> None:
        """Count pages that stored records made superfluous."""
        for reason, count in unsent.items():
            self._unsent.labels(reason).inc(count)

    def unread(self, seconds: float) -> None:
        """Set since when alerts are not in the outbox."""
        self._unread.set(seconds)

    def task_failed(self, task: PagerTask) -> None:
        """Count a failure of a task."""
        self._failures.labels(task).inc()

    def outbox(self, counts: dict[str, int], oldest_ms: dict[Tier, int], now_ms: int) -> None:
        """Note how many pages are in each state, and since when the oldest of a tier waits."""
        for state, count in counts.items():
            self._outbox.labels(state).set(count)
        for tier in Tier:
            self._oldest.labels(tier).set((now_ms - oldest_ms.get(tier, now_ms)) / 1000)
