"""What holds for any signals and answers: bounded scores, gapless revisions, cuts don't matter."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast
from unittest import mock
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.alerting import Alerting, AlertingOutput, load, suppressors
from sentinel.alerting.book import AlertBook
from sentinel.alerting.cloudevent import ActionEvent, decode, encode, encode_action
from sentinel.alerting.mute import Mute
from sentinel.alerting.mute_index import MuteIndex
from sentinel.model.alert import Alert, AlertState, Change, Resolution, Suppression, Tier
from sentinel.model.document import parse
from sentinel.model.events import Stream
from sentinel.model.response import Response, ResponseKind, Silence, Verdict
from sentinel.model.signal import Action, Clause, Mode, Risk, Signal, Title

CONFIGS = Path(__file__).parents[2] / "configs"
TIERS = (CONFIGS / "tiers.yaml").read_text(encoding="utf-8")
SUPPRESSION = """
inhibit: [{source: ['tier="red"'], target: ['tier=~"yellow|blue"'], equal: []}]
allow: [{name: test, match: ['entity="C3"'], until: "2026-01-02T00:00:00Z"}]
maintenance:
  - {name: night, match: ['risk="legal"'], days: [thu, fri], from: "23:00", to: "01:00"}
capacity: {per: 12h, alerts: {yellow: 1, blue: 1}}
withhold:
  default: [allow_list]
  actions: {review_account: [allow_list, maintenance, silence, inhibited, cooldown, capacity]}
silences: {most: 3, longest: 30d, wide: 8h}
"""
START = 1_767_225_600_000
THRESHOLDS = {Tier.RED: 80, Tier.ORANGE: 60, Tier.YELLOW: 35, Tier.BLUE: 10}

_FIRINGS = st.tuples(
    st.sampled_from(["a", "b", "c", "d"]),
    st.sampled_from([Risk.OPERATIONAL, Risk.LEGAL]),
    st.integers(0, 100),
    st.sampled_from([Mode.LIVE, Mode.LIVE, Mode.LIVE, Mode.SHADOW]),
    st.sampled_from(Action),
    st.sampled_from([0, 0, 0, 90, 2_000]),  # minutes that a late completed sequence is ahead
)
_EVENTS = st.tuples(
    st.sampled_from(["C1", "C2", "C3"]),
    st.integers(0, 60 * 60),  # minutes, so that a history spans two and a half days
    st.lists(_FIRINGS, min_size=1, max_size=3, unique_by=lambda firing: firing[0]),
)


def _signals(
    index: int, event: tuple[str, int, list[tuple[str, Risk, int, Mode, Action, int]]]
) -> list[Signal]:
    customer, minutes, firings = event
    return [
        Signal(
            index=index,
            rule_id=f"{risk}.{rule}",
            entity_id=customer,
            stream=Stream.TRANSACTION,
            event_id=f"E{index}+{ahead}",
            event_time=START + (minutes + ahead) * 60_000,
            recorded_ms=START + minutes * 60_000 + index,
            risk=risk,
            severity=severity,
            mode=mode,
            title=Title(rule, rule),
            explain=lambda: (Clause("n > 1", {"n": float(index)}),),
            actions=(action,),
            runbook=f"docs/runbooks/{rule}.md",
        )
        for rule, risk, severity, mode, action, ahead in firings
    ]


_ANSWERS = st.tuples(
    st.sampled_from(ResponseKind),
    st.integers(0, 30),  # which of the alerts so far
    st.sampled_from(Verdict),
    st.integers(0, 60 * 60),
)
_SILENCES = st.tuples(
    st.sampled_from(["s1", "s2"]),
    st.sampled_from(
        ['risk="legal"', 'tier=~"red|blue"', 'entity="C1"', 'rule="legal.a"', 'entity!="C2"']
    ),
    st.integers(0, 60 * 60),
    st.integers(0, 60 * 12),
)
_Event = list[Signal]
_Answer = tuple[ResponseKind, int, Verdict, int]
_Silencing = tuple[str, str, int, int]
_Item = _Event | _Answer | _Silencing

lives = st.lists(st.one_of(_EVENTS, _EVENTS, _EVENTS, _ANSWERS, _SILENCES), max_size=40).map(
    lambda items: [
        _signals(index, item) if isinstance(item[2], list) else item
        for index, item in enumerate(items)
    ]
)
"""Signals of successive events (a list each), answers to alerts, and silences."""
histories = st.lists(_EVENTS, max_size=40).map(
    lambda events: [_signals(index, event) for index, event in enumerate(events)]
)
"""Signals only."""


class Run:
    """Alerting under a history, and all that it said."""

    def __init__(self, *, max_open_alerts: int = 100) -> None:
        self.max_open_alerts = max_open_alerts
        self.alerting = self.fresh()
        self.output = AlertingOutput()
        self.clock = 0

    def fresh(self) -> Alerting:
        """Alerting with nothing open."""
        text = TIERS.replace("max_open_alerts: 100000", f"max_open_alerts: {self.max_open_alerts}")
        suppression = parse(SUPPRESSION, "suppression.yaml")
        made = load(parse(text, "tiers.yaml"), suppression, ZoneInfo("Asia/Shanghai"))
        made.begin("v")
        return made

    def process(self, item: _Item) -> AlertingOutput:
        """Let one thing happen, at its time or, if that is past, now."""
        if isinstance(item, list):
            self.advance(max(signal.event_time for signal in item))
            self.alerting.process(item)
        elif isinstance(item[0], ResponseKind):
            kind, which, verdict, minutes = cast("_Answer", item)
            at_ms = START + minutes * 60_000
            self.advance(at_ms)
            known = self.output.alerts
            if known:
                alert = known[which % len(known)]
                response = Response(
                    response_id="r",
                    event_time=at_ms,
                    key=alert.key,
                    alert_id=alert.alert_id,
                    kind=kind,
                    actor="li.wei",
                    verdict=verdict,
                    assignee=str(verdict),
                    event_id=alert.trigger.event_id,
                )
                self.alerting.respond(response, at_ms)
        else:
            name, matcher, start, minutes = cast("_Silencing", item)
            start_ms = START + start * 60_000
            self.alerting.silence(
                Silence(
                    silence_id=name,
                    matchers=(matcher,),
                    starts_at=start_ms,
                    ends_at=start_ms + minutes * 60_000,
                    created_by="li.wei",
                    comment="",
                )
            )
        return self.settle()

    def advance(self, moment: int) -> None:
        """Move the clock on."""
        self.clock = max(self.clock, moment)
        self.alerting.advance(moment)

    def settle(self) -> AlertingOutput:
        """Take what was said, and add it to the rest."""
        output, total = self.alerting.drain(), self.output
        total.alerts += output.alerts
        total.action_requests += output.action_requests
        total.dropped += output.dropped
        total.responses += output.responses
        return output

    def restart(self) -> None:
        """End a step, and go on from a snapshot."""
        self.advance(self.clock)
        self.settle()
        data = self.alerting.snapshot()
        self.alerting = self.fresh()
        self.alerting.restore(data)
        assert self.alerting.snapshot() == data


def _ran(life: list[_Item]) -> Run:
    run = Run()
    for item in life:
        run.process(item)
    return run


@settings(max_examples=80, deadline=None)
@given(lives, st.sets(st.integers(0, 40)), st.sampled_from([2, 100]))
def test_cuts_do_not_matter(life: list[_Item], cuts: set[int], max_open_alerts: int) -> None:
    """Any cutting into steps, with a restart at each cut, gives the same bytes and state."""
    whole, cut = Run(max_open_alerts=max_open_alerts), Run(max_open_alerts=max_open_alerts)
    for index, item in enumerate(life):
        whole.process(item)
        if index in cuts:
            cut.restart()
        cut.process(item)
    whole.restart()
    cut.restart()
    assert msgspec.json.encode(cut.output.alerts) == msgspec.json.encode(whole.output.alerts)
    assert cut.output == whole.output
    assert cut.alerting.snapshot() == whole.alerting.snapshot()
    assert cut.alerting.states() == whole.alerting.states()


class _Everywhere(MuteIndex):
    """Compares an alert with every mute there is."""

    def _candidates(self, _: Mapping[str, str]) -> Iterator[tuple[int, Mute]]:
        yield from self._mutes.values()


@settings(max_examples=80, deadline=None)
@given(lives)
def test_mutes_are_looked_at_where_they_matter(life: list[_Item]) -> None:
    """The same is said and kept if each is compared with every alert at every change."""
    found = _ran(life)
    with (
        mock.patch.object(AlertBook, "near", lambda book, _: list(book._open)),
        mock.patch.object(suppressors, "MuteIndex", _Everywhere),
    ):
        naive = _ran(life)
    assert found.output == naive.output
    assert found.alerting.snapshot() == naive.alerting.snapshot()


@settings(max_examples=80, deadline=None)
@given(lives)
def test_every_alert_lives_as_an_alert_does(life: list[_Item]) -> None:
    """Revisions 1, 2, 3…; opened first, resolved last; one open of each entity and risk."""
    run = _ran(life)
    open_alerts: dict[tuple[str, str], str] = {}
    revisions: Counter[str] = Counter()
    over: set[str] = set()
    clocks: dict[str, int] = {}
    for alert in run.output.alerts:
        index = (alert.entity.id, alert.risk)
        revisions[alert.alert_id] += 1
        assert alert.revision == revisions[alert.alert_id]
        assert alert.alert_id not in over
        assert (alert.change is Change.OPENED) == (alert.revision == 1)
        assert open_alerts.setdefault(index, alert.alert_id) == alert.alert_id
        assert alert.updated_at >= clocks.get(alert.alert_id, 0)
        clocks[alert.alert_id] = alert.updated_at
        resolved = alert.state is AlertState.RESOLVED
        assert resolved == (alert.resolution is not None) == (alert.change is Change.RESOLVED)
        assert (alert.acknowledged_by is not None) >= (alert.state is AlertState.ACKNOWLEDGED)
        if resolved:
            over.add(alert.alert_id)
            del open_alerts[index]
    newest = {alert.alert_id: alert for alert in run.output.alerts}
    still = [newest[alert_id] for alert_id in open_alerts.values()]
    counted = Counter((each.tier, each.state, bool(each.suppressed)) for each in still)
    assert {k: n for k, n in run.alerting.states().items() if n} == counted


@settings(max_examples=80, deadline=None)
@given(lives)
def test_time_alone_ends_everything(life: list[_Item]) -> None:
    """After a quiet while nothing is open, and no deadline is left but a window's."""
    run = _ran(life)
    run.advance(run.clock + 10 * 86_400_000)
    run.settle()
    assert not any(run.alerting.states().values())
    resolutions = {alert.resolution for alert in run.output.alerts if alert.resolution}
    assert resolutions <= set(Resolution)


@settings(max_examples=80, deadline=None)
@given(lives)
def test_an_action_is_requested_once_and_not_while_something_withholds_it(
    life: list[_Item],
) -> None:
    """Of each alert and action one request: by the first revision of which nothing withholds it."""
    output = _ran(life).output
    first: dict[str, int] = {}
    for alert in output.alerts:
        reasons = {each.reason for each in alert.suppressed}
        for action in alert.actions if alert.state is not AlertState.RESOLVED else ():
            if Suppression.ALLOW_LIST not in reasons and not (
                reasons and action is Action.REVIEW_ACCOUNT
            ):
                first.setdefault(f"{alert.alert_id}.{action}", alert.revision)
    requests = output.action_requests
    assert {request.request_id: request.revision for request in requests} == first
    assert len(requests) == len(first)
    for request in requests:
        event = msgspec.json.decode(encode_action(request), type=ActionEvent)
        assert (event.id, event.data) == (request.request_id, request)


@settings(max_examples=80, deadline=None)
@given(histories)
def test_scores_are_bounded_and_explained(history: list[_Item]) -> None:
    """0-100 everywhere, the customer at least as risky as any risk, no negative reasons."""
    for alert in _ran(history).output.alerts:
        assert 0 <= alert.score <= alert.customer_score <= 100
        parts = [reason.contribution for reason in alert.reasons]
        assert all(0 <= part <= alert.score for part in parts)
        assert parts == sorted(parts, reverse=True)
        assert decode(encode(alert)) == alert


@settings(max_examples=80, deadline=None)
@given(histories)
def test_tiers_follow_the_table_and_escalations(history: list[_Item]) -> None:
    """By score a tier is where the thresholds say, or near; each escalation adds one."""
    tiers = list(Tier)
    for alert in _ran(history).output.alerts:
        at = min(tiers.index(alert.tier) + len(alert.escalations), len(tiers) - 1)
        least = THRESHOLDS[tiers[at]]
        assert alert.tier is Tier.RED or alert.score >= least - 5
        if alert.change is Change.ROSE and not alert.escalations:
            assert alert.score >= THRESHOLDS[alert.tier]


@settings(max_examples=80, deadline=None)
@given(histories)
def test_suppressed_alerts_have_a_cause(history: list[_Item]) -> None:
    """What inhibits was red and of the same customer; red alerts never wait for capacity."""
    newest: dict[str, Alert] = {}
    for alert in _ran(history).output.alerts:
        for suppressor in alert.suppressed:
            if suppressor.reason is Suppression.INHIBITED and alert.resolution is None:
                bigger = newest[suppressor.by]
                assert (bigger.key, bigger.tier) == (alert.key, Tier.RED)
            if suppressor.reason is Suppression.CAPACITY:
                assert alert.tier is not Tier.RED
        newest[alert.alert_id] = alert


@settings(max_examples=100, deadline=None)
@given(histories, st.data())
def test_resent_events_change_nothing(history: list[_Event], data: st.DataObject) -> None:
    """An event delivered again, at once or later, causes no alert and no change of state."""
    run = Run()
    for index, event in enumerate(history):
        run.process(event)
        again = history[data.draw(st.integers(max(0, index - 5), index))]
        before = run.alerting.snapshot()
        assert run.process(again).alerts == []
        assert run.alerting.snapshot() == before


@settings(max_examples=100, deadline=None)
@given(histories)
def test_shadow_signals_never_matter(history: list[_Event]) -> None:
    """With and without them the alerts are the same."""
    both, live = _ran([*history]), Run()
    for event in history:
        live.advance(max(signal.event_time for signal in event))
        if kept := [signal for signal in event if signal.mode is Mode.LIVE]:
            live.process(kept)
    live.settle()
    assert both.output.alerts == live.output.alerts
