"""What holds for any signals: bounded scores, gapless revisions, cuts don't matter."""

from itertools import accumulate, groupby
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sentinel.alerting import Fused, Fusion, load
from sentinel.alerting.cloudevent import ActionEvent, decode, encode, encode_action
from sentinel.model.alert import Alert, Tier
from sentinel.model.document import parse
from sentinel.model.events import Stream
from sentinel.model.signal import Action, Clause, Risk, Signal, Stage, Title

TIERS = (Path(__file__).parents[2] / "configs" / "tiers.yaml").read_text(encoding="utf-8")
START = 1_767_225_600_000
THRESHOLDS = {Tier.RED: 80, Tier.ORANGE: 60, Tier.YELLOW: 35, Tier.BLUE: 10}

_FIRINGS = st.tuples(
    st.sampled_from(["a", "b", "c", "d"]),
    st.sampled_from([Risk.OPERATIONAL, Risk.LEGAL]),
    st.integers(0, 100),
    st.sampled_from([Stage.LIVE, Stage.LIVE, Stage.LIVE, Stage.SHADOW]),
    st.sampled_from(Action),
    st.sampled_from([0, 0, 0, 90, 2_000]),  # minutes that a late completed sequence is ahead
)
_EVENTS = st.tuples(
    st.sampled_from(["C1", "C2", "C3"]),
    st.integers(0, 60 * 60),  # minutes, so that a history spans two and a half days
    st.lists(_FIRINGS, min_size=1, max_size=3, unique_by=lambda firing: firing[0]),
)


def _signals(
    place: int, event: tuple[str, int, list[tuple[str, Risk, int, Stage, Action, int]]]
) -> list[Signal]:
    customer, minutes, firings = event
    return [
        Signal(
            place=place,
            rule_id=f"{risk}.{rule}",
            customer_id=customer,
            stream=Stream.TRANSACTION,
            event_id=f"E{place}+{ahead}",
            event_time=START + (minutes + ahead) * 60_000,
            recorded_ms=START + minutes * 60_000 + place,
            risk=risk,
            severity=severity,
            stage=stage,
            title=Title(rule, rule),
            clauses=(Clause("n > 1", {"n": float(place)}),),
            actions=(action,),
            runbook=f"docs/runbooks/{rule}.md",
        )
        for rule, risk, severity, stage, action, ahead in firings
    ]


histories = st.lists(_EVENTS, max_size=40).map(
    lambda events: [_signals(place, event) for place, event in enumerate(events)]
)
"""Signals of successive events, an inner list for each event."""


def _fusion(*, max_open_alerts: int = 100) -> Fusion:
    text = TIERS.replace("max_open_alerts: 100000", f"max_open_alerts: {max_open_alerts}")
    return load(parse(text, "tiers.yaml"))


def _flat(history: list[list[Signal]]) -> list[Signal]:
    return [signal for event in history for signal in event]


def _alerts(fusion: Fusion, history: list[list[Signal]]) -> list[Alert]:
    return fusion.fuse(_flat(history), "v").alerts


@settings(max_examples=100, deadline=None)
@given(histories, st.lists(st.integers(1, 5)), st.sampled_from([2, 100]))
def test_cuts_do_not_matter(
    history: list[list[Signal]], sizes: list[int], max_open_alerts: int
) -> None:
    """Any cutting into steps, with a restart at each cut, gives the same bytes and state."""
    whole = _fusion(max_open_alerts=max_open_alerts)
    expected = whole.fuse(_flat(history), "v")
    cut = _fusion(max_open_alerts=max_open_alerts)
    total = Fused()
    for start, size in zip([0, *accumulate(sizes)], [*sizes, len(history)], strict=True):
        part = [
            replace(signal, place=signal.place - start)
            for event in history[start : start + size]
            for signal in event
        ]
        fused = cut.fuse(part, "v")
        total.alerts += fused.alerts
        total.action_requests += fused.action_requests
        total.suppressed += fused.suppressed
        total.limits += fused.limits
        resumed = _fusion(max_open_alerts=max_open_alerts)
        resumed.restore(cut.snapshot())
        cut = resumed
    assert msgspec.json.encode(total.alerts) == msgspec.json.encode(expected.alerts)
    assert total.action_requests == expected.action_requests
    assert (total.suppressed, total.limits) == (expected.suppressed, expected.limits)
    assert cut.snapshot() == whole.snapshot()


@settings(max_examples=100, deadline=None)
@given(histories)
def test_an_action_is_requested_once_by_the_revision_that_first_has_it(
    history: list[list[Signal]],
) -> None:
    """Of each alert and action exactly one request, that of the first revision to recommend it."""
    fused = _fusion().fuse(_flat(history), "v")
    first: dict[str, int] = {}
    for alert in fused.alerts:
        for action in alert.actions:
            first.setdefault(f"{alert.alert_id}.{action}", alert.revision)
    requests = fused.action_requests
    assert {request.request_id: request.revision for request in requests} == first
    assert len(requests) == len(first)
    for request in requests:
        event = msgspec.json.decode(encode_action(request), type=ActionEvent)
        assert (event.id, event.data) == (request.request_id, request)


@settings(max_examples=100, deadline=None)
@given(histories)
def test_scores_are_bounded_and_explained(history: list[list[Signal]]) -> None:
    """0-100 everywhere, the customer at least as risky as any risk, no negative reasons."""
    for alert in _alerts(_fusion(), history):
        assert 0 <= alert.score <= alert.customer_score <= 100
        parts = [reason.contribution for reason in alert.reasons]
        assert all(0 <= part <= alert.score for part in parts)
        assert parts == sorted(parts, reverse=True)
        assert decode(encode(alert)) == alert


@settings(max_examples=100, deadline=None)
@given(histories)
def test_tiers_follow_the_table(history: list[list[Signal]]) -> None:
    """A new or rising alert is exactly where the thresholds say; a standing one is near."""
    for alert in _alerts(_fusion(), history):
        reached = next((t for t, least in THRESHOLDS.items() if alert.score >= least), None)
        if alert.tier is not alert.previous_tier:
            assert alert.tier is reached
        else:
            assert alert.score >= THRESHOLDS[alert.tier] - 5


@settings(max_examples=100, deadline=None)
@given(histories)
def test_revisions_have_no_gaps(history: list[list[Signal]]) -> None:
    """Each alert counts 1, 2, 3…, and its clock and its beginning never go back."""
    alerts = _alerts(_fusion(), history)
    ordered = sorted(alerts, key=lambda alert: alert.alert_id)  # stable: keeps their order
    for _, group in groupby(ordered, key=lambda alert: alert.alert_id):
        revisions = list(group)
        assert [alert.revision for alert in revisions] == list(range(1, len(revisions) + 1))
        assert revisions[0].previous_tier is None
        moments = [alert.updated_at for alert in revisions]
        assert moments == sorted(moments)
        assert len({alert.opened_at for alert in revisions}) == 1


@settings(max_examples=100, deadline=None)
@given(histories, st.data())
def test_resent_events_change_nothing(history: list[list[Signal]], data: st.DataObject) -> None:
    """An event delivered again, at once or later, causes no alert and no change of state."""
    fusion = _fusion()
    for place, event in enumerate(history):
        fusion.fuse(event, "v")
        again = history[data.draw(st.integers(max(0, place - 5), place))]
        before = fusion.snapshot()
        assert fusion.fuse(again, "v").alerts == []
        assert fusion.snapshot() == before


@settings(max_examples=100, deadline=None)
@given(histories)
def test_shadow_signals_never_matter(history: list[list[Signal]]) -> None:
    """With and without them the alerts and the state are the same."""
    both, live_only = _fusion(), _fusion()
    live = [[s for s in event if s.stage is Stage.LIVE] for event in history]
    assert _alerts(both, history) == _alerts(live_only, live)
    assert both.snapshot() == live_only.snapshot()
