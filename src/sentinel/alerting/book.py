"""The book of open alerts: their life from firing over acknowledged to resolved.

Every change is a revision, so the newest revision is the alert's current state.  At most
one alert is open for each entity and risk.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct
from msgspec import field as struct_field
from msgspec.structs import replace

from sentinel.alerting.mute import Mute
from sentinel.alerting.policy import Policy
from sentinel.alerting.revision import change_between, opened, raised, request, updated
from sentinel.alerting.suppressors import Suppressors
from sentinel.model.alert import (
    ActionRequest,
    Alert,
    AlertState,
    Change,
    Escalation,
    Resolution,
    Suppression,
    Suppressor,
    Tier,
)
from sentinel.model.alert_update import AlertUpdate
from sentinel.model.counts import tally
from sentinel.model.matcher import all_match
from sentinel.model.signal import Action
from sentinel.model.step import Limit
from sentinel.state import Timers, newest

AGE = "age"
CAPACITY = "capacity"

Key = tuple[str, str, str]
"""Entity kind, entity id, risk."""

_Urgency = tuple[Tier, AlertState]
_URGENCIES: tuple[_Urgency, ...] = tuple(
    (tier, state)
    for tier in reversed(Tier)
    for state in (AlertState.ACKNOWLEDGED, AlertState.FIRING)
)
"""The order of eviction at capacity: the least urgent first."""


class OpenAlert(Struct, kw_only=True):
    """An alert that is not over.

    ``alert`` is its newest revision, ``signal_tier`` the tier by its score, ``requested`` the
    actions that were requested of core systems, ``withheld`` those that were kept from them at
    least for a time, ``notified`` whether capacity was spent on it, ``ages`` whether it is raised
    when nobody answers, ``turn`` the order in which alerts were revised.
    """

    alert: Alert
    signal_tier: Tier
    requested: list[Action] = struct_field(default_factory=list)
    withheld: list[Action] = struct_field(default_factory=list)
    notified: bool = False
    ages: bool = True
    turn: int = 0


@dataclass(slots=True)
class Written:
    """Revisions and requested actions, in the order in which they came about."""

    alerts: list[Alert] = field(default_factory=list)
    action_requests: list[ActionRequest] = field(default_factory=list)
    withheld: Counter[tuple[Action, Suppression]] = field(default_factory=tally)
    limits: Counter[Limit] = field(default_factory=tally)


class AlertBook:
    """The open alerts of one shard.

    ``moment_ms`` in every call is wall-clock time, by which suppressions are on or off and
    deadlines for people begin; ``at_ms`` is when what is written became true, and is what the
    alert's times show.  Age ends by stream time, waiting for capacity by wall-clock time.  ``key``
    is for the ids of alerts, ``longest_ms`` for how long actions last.
    """

    def __init__(
        self,
        policy: Policy,
        suppressors: Suppressors,
        stream_timers: Timers,
        wall_timers: Timers,
        key: bytes,
        longest_ms: Mapping[Action, int],
    ) -> None:
        self._policy, self._suppressors, self._key = policy, suppressors, key
        self._longest_ms = longest_ms
        self._stream_timers, self._wall_timers = stream_timers, wall_timers
        self._open: dict[Key, OpenAlert] = {}
        self._by_id: dict[str, Key] = {}
        self._siblings: dict[str, dict[Key, None]] = {}  # by the alerts' Kafka key
        self._by_urgency: dict[_Urgency, dict[Key, None]] = {each: {} for each in _URGENCIES}
        self._turn = 0
        self._over_capacity: dict[Key, None] = {}
        self._counts: Counter[tuple[Tier, AlertState, bool]] = Counter()
        self._written = Written()
        self._config_version = ""

    def begin(self, config_version: str) -> None:
        """Name the configuration under which the coming revisions are made."""
        self._config_version = config_version

    def drain(self) -> Written:
        """What was written since the last call."""
        written, self._written = self._written, Written()
        return written

    def find(self, alert_id: str) -> Alert | None:
        """The newest revision of an open alert."""
        key = self._by_id.get(alert_id)
        return None if key is None else self._open[key].alert

    def is_open(self, key: Key) -> bool:
        """Whether an alert of this entity and risk is open."""
        return key in self._open

    def least_urgent(self) -> Alert:
        """Of the open alerts of the lowest tier, answered before others, the least recent one.

        Complaints are not among them: their deadlines do not depend on other alerts.
        """
        key = next(key for each in _URGENCIES for key in self._by_urgency[each])
        return self._open[key].alert

    def states(self) -> dict[tuple[Tier, AlertState, bool], int]:
        """How many alerts are open, by tier, state and whether they are suppressed."""
        return dict(self._counts)

    def update(self, update: AlertUpdate, moment_ms: int) -> bool:
        """Open or revise the alert of the update; False if nothing has changed."""
        key = (update.entity.kind, update.entity.id, update.risk)
        found = self._open.get(key)
        if found is None:
            alert = opened(update, self._key)
            self._enter(key, OpenAlert(alert=alert, signal_tier=update.tier, ages=update.ages))
            self._revise(key, self._open[key].alert, Change.OPENED, moment_ms)
            return True
        draft = updated(found.alert, update, self._policy.escalating_firings)
        change = change_between(found.alert, draft, update)
        if change is None:
            return False
        found.signal_tier = update.tier
        if change in (Change.ROSE, Change.ESCALATED):
            draft = _unanswered(draft)
        self._revise(key, draft, change, moment_ms)
        return True

    def correct(self, update: AlertUpdate, moment_ms: int) -> None:
        """Revise an open alert after an event behind it was retracted."""
        key = (update.entity.kind, update.entity.id, update.risk)
        found = self._open[key]
        found.signal_tier = update.tier
        draft = updated(found.alert, update, self._policy.escalating_firings)
        self._revise(key, draft, Change.CORRECTED, moment_ms)

    def acknowledge(self, alert: Alert, actor: str, at_ms: int, moment_ms: int) -> bool:
        """Acknowledge an open alert; False if it was acknowledged already."""
        if alert.state is AlertState.ACKNOWLEDGED:
            return False
        draft = replace(
            alert,
            state=AlertState.ACKNOWLEDGED,
            acknowledged_by=actor,
            updated_at=max(at_ms, alert.updated_at),
        )
        self._revise(self._by_id[alert.alert_id], draft, Change.ACKNOWLEDGED, moment_ms)
        return True

    def assign(self, alert: Alert, assignee: str, at_ms: int, moment_ms: int) -> bool:
        """Note whose an open alert is; False if it was theirs."""
        if alert.assignee == assignee:
            return False
        updated_at = max(at_ms, alert.updated_at)
        draft = replace(alert, assignee=assignee, updated_at=updated_at)
        self._revise(self._by_id[alert.alert_id], draft, Change.ASSIGNED, moment_ms)
        return True

    def resolve(self, key: Key, resolution: Resolution, at_ms: int, moment_ms: int) -> None:
        """End the alert of an entity and risk; nothing happens if none is open."""
        found = self._open.pop(key, None)
        if found is None:
            return
        alert = found.alert
        self._counts[_count_key(alert)] -= 1
        self._by_urgency[_urgency(alert)].pop(key, None)
        self._stream_timers.cancel((AGE, *key))
        self._over_capacity.pop(key, None)
        del self._by_id[alert.alert_id]
        siblings = self._siblings[alert.key]
        del siblings[key]
        if not siblings:
            del self._siblings[alert.key]
        self._written.alerts.append(
            replace(
                alert,
                revision=alert.revision + 1,
                state=AlertState.RESOLVED,
                change=Change.RESOLVED,
                previous_tier=alert.tier,
                resolution=resolution,
                updated_at=max(at_ms, alert.updated_at),
                config_version=self._config_version,
            )
        )
        self.reconsider(siblings, moment_ms)

    def escalate_by_age(self, key: Key, due_ms: int, moment_ms: int) -> None:
        """Raise an alert that is orange by its score and was unanswered for too long."""
        found = self._open[key]
        escalations = (*found.alert.escalations, Escalation.AGE)
        draft = replace(
            found.alert,
            escalations=escalations,
            tier=raised(found.signal_tier, escalations),
            updated_at=max(due_ms, found.alert.updated_at),
        )
        self._revise(key, draft, Change.ESCALATED, moment_ms)

    def near(self, mutes: Iterable[Mute]) -> list[Key]:
        """The open alerts that one of the mutes matches, and those of the same customers.

        No other alert can change when a mute begins or ends: an alert is suppressed by mutes that
        match it, and by alerts of its own customer.
        """
        wanted = [each.matchers for each in mutes]
        keys: set[str] = set()
        for each in self._open.values():
            if each.alert.key not in keys:
                labels = each.alert.labels
                if any(all_match(matchers, labels) for matchers in wanted):
                    keys.add(each.alert.key)
        return [key for key, each in self._open.items() if each.alert.key in keys] if keys else []

    def reconsider(self, keys: Iterable[Key] | None, moment_ms: int) -> None:
        """Revise those of the open alerts (None: all) whose suppressors have changed."""
        for key in list(self._open if keys is None else keys):
            alert = self._open[key].alert
            suppressed = self._suppressed(key, alert, moment_ms)
            if suppressed != alert.suppressed:
                change = Change.SUPPRESSED if suppressed else Change.RELEASED
                draft = replace(alert, updated_at=max(alert.updated_at, moment_ms))
                self._write(key, draft, change, suppressed, moment_ms)

    def over_capacity(self) -> list[Key]:
        """The alerts that wait for capacity, in the order in which they get it."""
        return sorted(self._over_capacity, key=self._turn_of)

    def _turn_of(self, key: Key) -> tuple[float, int, Key]:
        """The highest score first, of equal ones the oldest."""
        alert = self._open[key].alert
        return -alert.score, alert.opened_at, key

    def snapshot(self) -> bytes:
        """Every open alert in its order; equal books give equal bytes."""
        return msgspec.msgpack.encode((self._turn, list(self._open.values())))

    def spot(self) -> bytes:
        """The alerts that were opened last."""
        return msgspec.msgpack.encode((self._turn, newest(self._open)))

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave."""
        self._open, self._by_id, self._siblings, self._over_capacity = {}, {}, {}, {}
        self._counts.clear()
        self._turn, found = msgspec.msgpack.decode(data, type=tuple[int, list[OpenAlert]])
        for each in found:
            self._enter(_key(each.alert), each)
            self._counts[_count_key(each.alert)] += 1
        self._by_urgency = {each: {} for each in _URGENCIES}
        for each in sorted(found, key=lambda each: each.turn):
            self._rank(_key(each.alert), each)

    def _enter(self, key: Key, found: OpenAlert) -> None:
        self._open[key] = found
        self._by_id[found.alert.alert_id] = key
        self._siblings.setdefault(found.alert.key, {})[key] = None
        self._note_capacity(key, found.alert)

    def _note_capacity(self, key: Key, alert: Alert) -> None:
        if any(each.reason is Suppression.CAPACITY for each in alert.suppressed):
            self._over_capacity[key] = None
        else:
            self._over_capacity.pop(key, None)

    def _revise(self, key: Key, draft: Alert, change: Change, moment_ms: int) -> None:
        """Write ``draft``; revise the customer's other alerts that it suppresses or releases."""
        self._write(key, draft, change, self._suppressed(key, draft, moment_ms), moment_ms)
        siblings = self._siblings[draft.key]
        if len(siblings) > 1:
            self.reconsider([each for each in siblings if each != key], moment_ms)

    def _write(
        self,
        key: Key,
        draft: Alert,
        change: Change,
        suppressed: tuple[Suppressor, ...],
        moment_ms: int,
    ) -> None:
        """The next revision; its new actions are requested unless something withholds them."""
        found = self._open[key]
        if found.alert.revision:
            self._counts[_count_key(found.alert)] -= 1
            self._by_urgency[_urgency(found.alert)].pop(key, None)
        alert = found.alert = replace(
            draft,
            revision=draft.revision + 1,
            change=change,
            previous_tier=found.alert.tier if found.alert.revision else None,
            suppressed=suppressed,
            config_version=self._config_version,
        )
        self._counts[_count_key(alert)] += 1
        self._note_capacity(key, alert)
        found.turn = self._turn
        self._turn += 1
        self._rank(key, found)
        self._written.alerts.append(alert)
        self._request_actions(found)
        if alert.tier is not alert.previous_tier:
            self._stream_timers.cancel((AGE, *key))
        self._await_answer(key, moment_ms)

    def _rank(self, key: Key, found: OpenAlert) -> None:
        """Rank an alert behind all that are as urgent; alerts that do not age are not ranked."""
        if found.ages:
            self._by_urgency[_urgency(found.alert)][key] = None

    def _request_actions(self, found: OpenAlert) -> None:
        alert = found.alert
        for action in alert.actions:
            if action in found.requested:
                continue
            reason = self._suppressors.withholder(action, alert)
            if reason is None:
                found.requested.append(action)
                asked = request(alert, action, self._longest_ms.get(action))
                self._written.action_requests.append(asked)
            elif action not in found.withheld:
                found.withheld.append(action)
                self._written.withheld[action, reason] += 1

    def _suppressed(self, key: Key, alert: Alert, moment_ms: int) -> tuple[Suppressor, ...]:
        found, siblings = self._open[key], self._siblings[alert.key]
        others = [self._open[each].alert for each in siblings if each != key]
        state = self._suppressors.state(alert, others, moment_ms)
        if state or found.notified:
            return state
        capacity = self._suppressors.capacity
        if capacity.spend(alert.tier, moment_ms):
            found.notified = True
            return ()
        due_ms = capacity.next_period_ms(moment_ms)
        self._count_room(self._wall_timers.set((CAPACITY,), due_ms))
        return (capacity.suppressor(alert.tier),)

    def _await_answer(self, key: Key, moment_ms: int) -> None:
        """Start the ageing of an alert that is orange by its score and notified; stop others'."""
        found, timer, allowed_ms = self._open[key], (AGE, *key), self._policy.unanswered_ms
        alert = found.alert
        ages = found.ages and found.signal_tier is Tier.ORANGE is alert.tier
        if not ages or alert.state is not AlertState.FIRING or alert.suppressed:
            self._stream_timers.cancel(timer)
        elif allowed_ms is not None and timer not in self._stream_timers:
            self._count_room(self._stream_timers.set(timer, moment_ms + allowed_ms))

    def _count_room(self, found: bool) -> None:
        if not found:
            self._written.limits[Limit.TIMERS] += 1


def _unanswered(alert: Alert) -> Alert:
    """Whether it is more urgent than what was acknowledged, and needs a new response."""
    return replace(alert, state=AlertState.FIRING, acknowledged_by=None)


def _key(alert: Alert) -> Key:
    return alert.entity.kind, alert.entity.id, alert.risk


def _urgency(alert: Alert) -> _Urgency:
    return alert.tier, alert.state


def _count_key(alert: Alert) -> tuple[Tier, AlertState, bool]:
    return alert.tier, alert.state, bool(alert.suppressed)
