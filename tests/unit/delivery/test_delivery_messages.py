"""What a program is told of an alert, kind by kind of page."""

from pathlib import Path

from tests.delivery.alerts import CUSTOMER, alert
from tests.delivery.bench import Bench, play_on
from tests.delivery.listener import Mood
from tests.delivery.plans import TEXT

from sentinel.model.alert import AlertState, Change, Resolution, Tier


def test_pagerduty_is_triggered_acknowledged_and_resolved_under_one_key(tmp_path: Path) -> None:
    """Three events that keep to its contract; severity by tier; nothing about the customer."""

    async def play(bench: Bench) -> None:
        bench.store(alert())
        await bench.sends("duty")
        bench.store(alert(revision=2, state=AlertState.ACKNOWLEDGED, acknowledged_by="li.wei"))
        await bench.sends("duty")
        bench.store(alert(revision=3, state=AlertState.RESOLVED, resolution=Resolution.QUIET))
        await bench.sends("duty")

    pages = play_on(tmp_path, play).listener.pages
    assert [page["event_action"] for page in pages] == ["trigger", "acknowledge", "resolve"]
    assert {page["dedup_key"] for page in pages} == {"a1"}
    assert pages[0]["payload"]["severity"] == "critical"
    assert pages[0]["links"][0]["href"] == "https://desk.example/alerts/a1"
    assert CUSTOMER not in str(pages)
    assert "amount" not in str(pages)


def test_a_webhook_is_signed_and_says_both_languages(tmp_path: Path) -> None:
    """The receiver checks the signature; the id stays the same for a resend."""

    async def play(bench: Bench) -> None:
        bench.store(alert(tier=Tier.ORANGE))
        await bench.sends("cases")
        bench.now += 8_000
        await bench.sends("cases")

    bench = play_on(tmp_path, play, Mood.BROKEN)
    (page,), (headers,) = bench.listener.pages, bench.listener.headers
    assert page["type"] == "sentinel.alert.trigger"
    assert (page["data"]["title_en"], page["data"]["title_zh"]) == ("Account drained", "账户盗转")
    assert headers["webhook-id"] == "a1.1.everybody.0.cases"
    assert CUSTOMER not in str(page)


def test_pagerduty_is_never_sent_a_digest(tmp_path: Path) -> None:
    """Every red alert is an incident of its own, in the order of the records."""

    async def play(bench: Bench) -> None:
        bench.store(*(alert(f"a{n}") for n in range(6)))
        await bench.sends("duty")

    keys = [page["dedup_key"] for page in play_on(tmp_path, play).listener.pages]
    assert keys == [f"a{n}" for n in range(6)]


def test_an_alertmanager_gets_an_alert_and_its_end(tmp_path: Path) -> None:
    """The same labels both times; the end is when it was resolved."""
    text = TEXT.replace(
        'duty: {type: pagerduty, url: "URL/v2/enqueue", key: {env: DUTY_KEY}}',
        'duty: {type: alertmanager, url: "URL"}',
    )

    async def play(bench: Bench) -> None:
        bench.store(alert())
        await bench.sends("duty")
        bench.store(
            alert(
                revision=2,
                state=AlertState.RESOLVED,
                change=Change.RESOLVED,
                resolution=Resolution.QUIET,
            )
        )
        await bench.sends("duty")

    fired, over = play_on(tmp_path, play, text=text).listener.pages
    assert fired["labels"] == over["labels"]
    assert fired["endsAt"] == "2026-01-01T03:05:00.000Z"  # unless it is sent again
    assert over["endsAt"] == "2026-01-01T03:00:00.000Z"


def test_late_alerts_are_one_event_for_pagerduty_and_the_webhook(tmp_path: Path) -> None:
    """Their digest is one event under one key, sent again after a failure, and counted once."""

    async def play(bench: Bench) -> None:
        bench.now += 48 * 3_600_000
        bench.store(*(alert(f"r{n}") for n in range(3)), alert("o", tier=Tier.ORANGE))
        await bench.sends("duty")
        assert bench.listener.pages == []
        bench.now += 60_000
        await bench.sends("duty")
        bench.now += 8_000
        await bench.sends("duty")
        await bench.sends("cases")
        bench.now += 3_600_000
        await bench.sends("duty")

    bench = play_on(tmp_path, play, Mood.BROKEN)
    event, page = bench.listener.pages
    assert event["dedup_key"] == "late.r0.1.fraud.duty"
    assert event["payload"]["severity"] == "critical"
    assert event["payload"]["summary"].startswith("[red] 3 alerts from 2026-01-01 11:00 to ")
    assert event["client_url"] == "https://desk.example/alerts/"
    assert page["type"] == "sentinel.alert.late"
    assert bench.listener.headers[0]["webhook-id"] == "late.o.1.everybody.cases"
    assert page["data"]["late"] == {
        "route": "everybody",
        "found": 1,
        "unanswered": 1,
        "tiers": {"orange": 1},
    }
    assert page["data"]["title_zh"].startswith("补报预警 1 条")
    assert bench.counted("sentinel_late_digests_total", channel="duty") == 1
    assert bench.counted("sentinel_late_digest_alerts_total", channel="duty", tier="red") == 3
    assert CUSTOMER not in str(bench.listener.pages)


def test_an_alertmanager_gets_a_digest_as_an_alert_of_its_own(tmp_path: Path) -> None:
    """Labels that stay the same over retries, and an end after a day."""
    text = TEXT.replace(
        'duty: {type: pagerduty, url: "URL/v2/enqueue", key: {env: DUTY_KEY}}',
        'duty: {type: alertmanager, url: "URL"}',
    )

    async def play(bench: Bench) -> None:
        bench.now += 48 * 3_600_000
        bench.store(alert("a"), alert("b"))
        bench.now += 60_000
        await bench.sends("duty")

    (page,) = play_on(tmp_path, play, text=text).listener.pages
    assert page["labels"] == {
        "alertname": "SentinelAlertsFoundLate",
        "digest": "late.a.1.fraud.duty",
        "route": "fraud",
    }
    assert page["annotations"]["summary"].startswith("2 alerts from ")
    assert page["endsAt"] == "2026-01-04T03:01:00.000Z"
