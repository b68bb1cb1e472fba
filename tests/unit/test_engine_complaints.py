"""Complaints through the engine: deadlines by the step's time, once, also after a restart."""

from bisect import bisect_left
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from sentinel.engine import Engine, Outcome
from sentinel.model.alert import Alert, AlertState, Change, Resolution, Tier
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Step
from sentinel.settings import read_configuration

CONFIGURATION = read_configuration(None)
DAY = 86_400_000


def _ms(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    return round(moment.timestamp() * 1000)


RECEIVED = _ms("2026-03-02T10:00")  # a Monday: fifteen days end with the 17th


class Shard:
    """An engine, and the offset of the next complaint."""

    def __init__(self) -> None:
        self.engine, self.offset = Engine(CONFIGURATION), 0

    def complains(self, status: str, at_ms: int, channel: str = "app", **more: str) -> Outcome:
        """One event of complaint P1, in a step of its own."""
        event = {
            "event_id": f"E{self.offset}",
            "event_time": at_ms,
            "complaint_id": "P1",
            "customer_id": "C1",
            "status": status,
            "channel": channel,
            **more,
        }
        value = msgspec.json.encode(event)
        chunk = Chunk(Stream.COMPLAINT, "t", 0, [self.offset], [at_ms], [b"C1"], [value])
        self.offset += 1
        return self.engine.process(Step(at_ms, [chunk]))

    def waits(self, until_ms: int) -> list[Alert]:
        """A step without any record."""
        return _of_the_complaint(self.engine.process(Step(until_ms, [])))

    def restarts(self) -> None:
        """Another engine goes on from a snapshot."""
        data = self.engine.snapshot()
        self.engine = Engine(CONFIGURATION)
        self.engine.restore(data)


def _of_the_complaint(outcome: Outcome) -> list[Alert]:
    return [alert for alert in outcome.emitted.alerts if alert.entity.kind == "complaint"]


def test_warnings_rise_in_tier_with_time_alone() -> None:
    """Half, four fifths and all of fifteen days: blue, yellow, orange, each once."""
    shard = Shard()
    shard.complains("received", RECEIVED)
    shard.complains("investigating", RECEIVED + 3_600_000)
    changes: list[tuple[Tier, Change]] = []
    for day in range(23):
        shard.restarts()
        changes += [(each.tier, each.change) for each in shard.waits(RECEIVED + day * DAY)]
    risen = [tier for tier, change in changes if change in (Change.OPENED, Change.ROSE)]
    assert risen == [Tier.BLUE, Tier.YELLOW, Tier.ORANGE]


def test_the_deadline_is_the_end_of_the_fifteenth_day() -> None:
    """At midnight after 17 March, not before."""
    shard = Shard()
    shard.complains("received", RECEIVED)
    shard.complains("investigating", RECEIVED + 1)
    before = shard.waits(_ms("2026-03-17T23:59:59"))
    assert Tier.ORANGE not in {each.tier for each in before if each.change is not Change.ESCALATED}
    (due,) = shard.waits(_ms("2026-03-18T00:00:00"))
    assert due.reasons[0].rule_id == "complaint.resolve"


def test_what_is_done_ends_the_alert() -> None:
    """Resolved and replied after a warning: the alert is over, and the duties were on time."""
    shard = Shard()
    shard.complains("received", RECEIVED)
    shard.complains("investigating", RECEIVED + 1)
    (warned,) = shard.waits(_ms("2026-03-13T00:00"))
    assert warned.state is AlertState.FIRING
    outcome = shard.complains("resolved", _ms("2026-03-13T10:00"))
    (over,) = _of_the_complaint(outcome)
    assert (over.alert_id, over.resolution) == (warned.alert_id, Resolution.COMPLETED)
    assert outcome.counts.complaint_duties["resolve", "app", "on_time"] == 1
    assert shard.engine.gauges().open_complaints == {("resolved", "app"): 1}


def test_an_approved_extension_moves_the_deadline_and_survives_a_restart() -> None:
    """The alert falls to blue; its next warning is at the new deadline and names the approver."""
    shard = Shard()
    shard.complains("received", RECEIVED)
    shard.complains("investigating", RECEIVED + 1)
    shard.waits(_ms("2026-03-16T00:00"))
    outcome = shard.complains(
        "investigating", _ms("2026-03-16T09:00"), extended_to="30d", approved_by="chief"
    )
    assert outcome.counts.notices["extended"] == 1
    shard.restarts()
    assert Tier.ORANGE not in {each.tier for each in shard.waits(_ms("2026-04-01T23:59:59"))}
    (due,) = shard.waits(_ms("2026-04-02T00:00:00"))
    assert "extended by chief" in due.reasons[0].title.en


def test_the_regulator_starts_higher() -> None:
    """The first warning of a complaint that came through the regulator is yellow."""
    shard = Shard()
    shard.complains("received", RECEIVED, channel="regulator")
    (first, *_) = shard.waits(RECEIVED + DAY)
    assert first.tier is Tier.YELLOW


def test_an_illegal_step_is_reported() -> None:
    """Closed without a reply: an alert of its own tier, counted as a problem."""
    shard = Shard()
    shard.complains("received", RECEIVED)
    shard.complains("investigating", RECEIVED + 1)
    shard.complains("resolved", RECEIVED + 2)
    outcome = shard.complains("closed", RECEIVED + 3)
    (alert,) = _of_the_complaint(outcome)
    assert outcome.counts.complaint_problems == {"closed_without_reply": 1}
    assert alert.title.zh


def test_the_next_deadline_is_known() -> None:
    """A shard without events knows when to take a step."""
    shard = Shard()
    shard.complains("received", RECEIVED)
    due_ms = bisect_left(range(2 * DAY), 1, key=lambda ms: _is_due(shard, RECEIVED + ms)) + RECEIVED
    assert RECEIVED < due_ms < RECEIVED + 2 * DAY
    assert shard.waits(due_ms - 1) == []
    assert len(shard.waits(due_ms)) == 1


def _is_due(shard: Shard, moment_ms: int) -> bool:
    return shard.engine.is_due(moment_ms, moment_ms)
