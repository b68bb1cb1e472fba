"""One customer's events and alerts in one order of time, the newest first."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sentinel.desk.texts import Texts
from sentinel.desk.words import Speaker
from sentinel.history.archive_rows import ArchivedEvent
from sentinel.model.alert import Alert
from sentinel.model.countries import country_of
from sentinel.model.events import Complaint, EventKey, Login, Stream, Transaction, epoch_ms
from sentinel.model.visible import visible

SPANS = (1, 7, 30, 90)
"""Days that a timeline may show."""
MOST_EVENTS = 400
"""Events of one timeline; where there are more, the newest are shown."""


class Look(StrEnum):
    """How an entry is drawn."""

    OUT = "out"  # money leaves
    IN = "in"  # money comes
    FAILED = "failed"
    LOGIN = "login"
    CHANGE = "change"  # of credentials or payees
    COMPLAINT = "complaint"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline; ``marks`` are the alerts whose trigger the event is."""

    at_ms: int
    look: Look
    title: str
    details: Sequence[str]
    amount: str
    marks: Sequence[Alert]
    alert: Alert | None = None


def timeline(
    events: Sequence[ArchivedEvent],
    alerts: Sequence[Alert],
    triggers: Sequence[tuple[EventKey, Alert]],
    speaker: Speaker,
    texts: Texts,
) -> list[Entry]:
    """Events and alerts, the newest first; ``triggers`` tell which event raised which alert."""
    marks: defaultdict[EventKey, list[Alert]] = defaultdict(list)
    for key, alert in triggers:
        if alert not in marks[key]:
            marks[key].append(alert)
    entries = [
        _event(each, marks.get((each.stream, each.event.event_id), ()), speaker, texts)
        for each in events
    ]
    entries += [
        Entry(
            at_ms=each.opened_at,
            look=Look.ALERT,
            title=speaker.language.of(each.title),
            details=[speaker.sentence(each)],
            amount="",
            marks=(),
            alert=each,
        )
        for each in alerts
    ]
    # At the same moment the alert stands above the event that raised it.
    return sorted(entries, key=lambda each: (-each.at_ms, each.look is not Look.ALERT))


def _event(
    archived: ArchivedEvent, marks: Sequence[Alert], speaker: Speaker, texts: Texts
) -> Entry:
    event = archived.event
    at_ms = epoch_ms(event.event_time)
    match event:
        case Transaction():
            look, title, details, amount = _transaction(event, speaker)
            return Entry(at_ms, look, title, details, amount, marks)
        case Login():
            look, title, details = _login(event, speaker, texts)
            return Entry(at_ms, look, title, details, "", marks)
        case Complaint():
            title = f"{texts.word('stream', Stream.COMPLAINT)}: {speaker.word(event.status)}"
            details = _present(event.category, speaker.word(event.channel), event.product)
            return Entry(at_ms, Look.COMPLAINT, title, details, "", marks)


def _transaction(event: Transaction, speaker: Speaker) -> tuple[Look, str, list[str], str]:
    if event.status != "approved":
        look, status = Look.FAILED, speaker.word(event.status)
    else:
        look, status = (Look.OUT if event.direction == "debit" else Look.IN), None
    title = f"{speaker.word(event.kind)} · {speaker.word(event.direction)}"
    details = _present(
        status,
        event.counterparty_id or event.merchant_id,
        event.channel,
        _country(event.counterparty_country or event.country),
    )
    sign = "−" if event.direction == "debit" else "+"
    return look, title, details, f"{sign}{visible(event.currency)} {float(event.amount):,.2f}"


def _login(event: Login, speaker: Speaker, texts: Texts) -> tuple[Look, str, list[str]]:
    title = speaker.word(event.kind)
    if not event.success:
        title, look = f"{title}: {texts.failed}", Look.FAILED
    else:
        look = Look.LOGIN if event.kind in ("login", "logout") else Look.CHANGE
    country = _country(event.country)
    details = _present(event.device_id, event.ip, country, event.failure_reason)
    return look, title, details


def _country(text: str | None) -> str | None:
    """A country's code, as rules compare it; what is no country as it was sent."""
    return text and (country_of(text) or text)


def _present(*texts: str | None) -> list[str]:
    return [visible(each) for each in texts if each]
