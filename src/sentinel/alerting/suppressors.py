"""What suppresses alerts at a moment: mutes, silences, other alerts, cooldown, capacity."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from sentinel.alerting.inhibition import InhibitRule, inhibitor
from sentinel.alerting.mute import Mute
from sentinel.alerting.mute_index import MuteIndex
from sentinel.alerting.suppression import SuppressionRules
from sentinel.model.alert import Alert, Suppression, Suppressor, Tier
from sentinel.model.hours import Span
from sentinel.model.matcher import parse_matcher
from sentinel.model.response import Silence
from sentinel.model.share import Share
from sentinel.model.signal import CONTAINMENT, Action
from sentinel.state import Timers

MUTE = "mute"
COOLDOWN = "cooldown"

_TIERS = tuple(Tier)
_Judged = tuple[int, Tier]
"""After a false positive: until when (ms UTC) and up to which tier a rule's alerts are similar."""
_NOT_JUDGED = (0, Tier.BLUE)


class Capacity:
    """How many alerts of each tier are notified in a period, as far as this shard decides.

    ``most`` is the number for the whole desk; ``share`` is this shard's part of it.
    """

    def __init__(self, most: dict[Tier, int], period_ms: int, share: Share) -> None:
        self._most, self._period_ms, self._share = most, period_ms, share
        self._period = 0
        self._spent: dict[Tier, int] = {}

    def spend(self, tier: Tier, moment_ms: int) -> bool:
        """Use one notification of the tier; False if none is left in this period."""
        most = self._most.get(tier)
        if most is None:
            return True
        if moment_ms // self._period_ms != self._period:
            self._period, self._spent = moment_ms // self._period_ms, {}
        spent = self._spent.get(tier, 0)
        if spent >= self._share.of(most, self._period):
            return False
        self._spent[tier] = spent + 1
        return True

    def next_period_ms(self, moment_ms: int) -> int:
        """When the next period begins."""
        return (moment_ms // self._period_ms + 1) * self._period_ms

    def suppressor(self, tier: Tier) -> Suppressor:
        """Why an alert of the tier waits."""
        return Suppressor(Suppression.CAPACITY, tier.value)

    def snapshot(self) -> tuple[int, dict[Tier, int]]:
        """What has been spent."""
        return self._period, self._spent

    def restore(self, period: int, spent: dict[Tier, int]) -> None:
        """Continue from what :meth:`snapshot` gave."""
        self._period, self._spent = period, spent


class Suppressors:
    """Everything that may suppress an alert, as of now; silences and cooldowns are state."""

    def __init__(self, rules: SuppressionRules, timers: Timers, share: Share) -> None:
        self.capacity = Capacity(rules.capacity, rules.capacity_period_ms, share)
        self._inhibit: Sequence[InhibitRule] = rules.inhibit
        self._configured = {(mute.reason, mute.name): mute for mute in rules.mutes}
        self._bounds, self._timers = rules.silences, timers
        self._withheld_by = rules.withheld_by
        self._silences: dict[str, Silence] = {}
        self._silenced: dict[tuple[Suppression, str], Mute] = {}
        self._mutes = MuteIndex(self._configured)
        self._cooldowns: dict[tuple[str, str, str], dict[str, _Judged]] = {}

    def state(
        self, alert: Alert, others: Iterable[Alert], moment_ms: int
    ) -> tuple[Suppressor, ...]:
        """What suppresses ``alert`` at the moment, but for capacity.

        ``others`` are the open alerts of the same customer.
        """
        found = self._mutes.suppressors(alert, moment_ms)
        bigger = inhibitor(self._inhibit, alert, others)
        if bigger is not None:
            found.append(Suppressor(Suppression.INHIBITED, bigger.alert_id))
        judged = self._judged(alert, moment_ms)
        if judged is not None:
            found.append(Suppressor(Suppression.COOLDOWN, judged.value))
        return tuple(found)

    def withholder(self, action: Action, alert: Alert) -> Suppression | None:
        """Which of the alert's suppressions keeps the action from core systems."""
        reasons = self._withheld_by[action]
        return next((each.reason for each in alert.suppressed if each.reason in reasons), None)

    def arm(self, moment_ms: int) -> bool:
        """Set a timer for each configured mute's next change; False if timers are at capacity."""
        unarmed = [key for key in self._configured if (MUTE, *key) not in self._timers]
        armed = [self._wait(key, self._configured[key], moment_ms) for key in unarmed]
        return all(armed)

    def disarm(self, old: "Suppressors") -> None:
        """Cancel the timers of the mutes that ``old`` was configured with."""
        for key in old._configured:  # noqa: SLF001
            self._timers.cancel((MUTE, *key))

    def refusal(self, silence: Silence, signer: str | None, moment_ms: int) -> str | None:
        """Why a silence is refused, else None; one that only ends a silence is always accepted.

        An approved silence must be known already, the same but for the approval: otherwise one
        person could write both names.
        """
        if int(silence.ends_at) <= moment_ms:  # type: ignore[arg-type]
            return None
        known = self._silences.get(silence.silence_id)
        if known is None and len(self._silences) >= self._bounds.most:
            return f"there are {self._bounds.most} silences already"
        if known is not None and known.created_by != silence.created_by:
            return f"it is {known.created_by}'s"
        if silence.approved_by is not None and replace(silence, approved_by=None) != (
            known and replace(known, approved_by=None)
        ):
            return "only a silence that is known can be approved, and without a change"
        if signer not in (None, silence.approved_by or silence.created_by):
            return f"{signer} signs for {silence.approved_by or silence.created_by}"
        return self._bounds.refusal(silence)

    def silence(self, silence: Silence, moment_ms: int) -> bool:
        """Apply the newest record of a silence; False if the timers are at capacity."""
        key = (Suppression.SILENCE, silence.silence_id)
        self._silences[silence.silence_id] = silence
        self._silenced[key] = _mute(silence)
        self._mutes.put(key, self._silenced[key])
        self._timers.cancel((MUTE, *key))
        return self._wait(key, self._silenced[key], moment_ms)

    def mute(self, key: tuple[Suppression, str]) -> Mute | None:
        """The mute of that reason and name, if there is one."""
        return self._configured.get(key) or self._silenced.get(key)

    def change(self, reason: str, name: str, due_ms: int) -> bool:
        """Handle a mute's due timer: set the next one, or drop a silence that has ended."""
        key = (Suppression(reason), name)
        mute = self._configured.get(key) or self._silenced[key]
        return self._wait(key, mute, due_ms)

    def cool_down(self, alert: Alert, until_ms: int) -> bool:
        """After a false positive, suppress similar alerts; False if the timers are at capacity.

        An alert of the same entity and risk is similar if only these rules are behind it and it is
        no more urgent.  A red alert is never similar, nor one that recommends containment: one
        wrong verdict must not leave the way open to an attacker.
        """
        if not self._timers.set((COOLDOWN, *_key(alert)), until_ms):
            return False
        cooling = self._cooldowns.setdefault(_key(alert), {})
        cooling.update({each.rule_id: (until_ms, alert.tier) for each in alert.reasons})
        return True

    def warm_up(self, key: tuple[str, str, str]) -> None:
        """End the cooldown of an entity and risk."""
        del self._cooldowns[key]

    def snapshot(self) -> bytes:
        """Silences, cooldowns and spent capacity; equal states give equal bytes."""
        return msgspec.msgpack.encode(
            (
                [self._silences[name] for _, name in self._silenced],
                sorted((*key, sorted(each.items())) for key, each in self._cooldowns.items()),
                self.capacity.snapshot(),
            )
        )

    def spot(self) -> bytes:
        """How many silences and cooldowns hold, and what was spent."""
        counts = len(self._silences), len(self._cooldowns)
        return msgspec.msgpack.encode((counts, self.capacity.snapshot()))

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave; the timers are restored by their owner."""
        cooling = tuple[str, str, str, list[tuple[str, _Judged]]]
        kind = tuple[list[Silence], list[cooling], tuple[int, dict[Tier, int]]]
        silences, cooldowns, capacity = msgspec.msgpack.decode(data, type=kind)
        self._silences = {each.silence_id: each for each in silences}
        self._silenced = {(Suppression.SILENCE, each.silence_id): _mute(each) for each in silences}
        self._mutes = MuteIndex(self._configured | self._silenced)
        self._cooldowns = {(kind, id_, risk): dict(each) for kind, id_, risk, each in cooldowns}
        self.capacity.restore(*capacity)

    def _judged(self, alert: Alert, moment_ms: int) -> Tier | None:
        """The tier of the false positive whose cooldown covers this alert; None without one."""
        cooling = self._cooldowns.get(_key(alert))
        if cooling is None or alert.tier is Tier.RED or not CONTAINMENT.isdisjoint(alert.actions):
            return None
        found = [cooling.get(reason.rule_id, _NOT_JUDGED) for reason in alert.reasons]
        if not all(moment_ms < until_ms for until_ms, _ in found):
            return None
        judged = max((tier for _, tier in found), key=_TIERS.index)
        return judged if _TIERS.index(alert.tier) >= _TIERS.index(judged) else None

    def _wait(self, key: tuple[Suppression, str], mute: Mute, moment_ms: int) -> bool:
        """Set a timer for the mute's next change; a silence without one is over and dropped."""
        due_ms = mute.times.next_change_ms(moment_ms)
        if due_ms is not None:
            return self._timers.set((MUTE, *key), due_ms)
        if key in self._silenced:
            del self._silenced[key], self._silences[key[1]]
            self._mutes.remove(key)
        return True


def _key(alert: Alert) -> tuple[str, str, str]:
    return alert.entity.kind, alert.entity.id, alert.risk


def _mute(silence: Silence) -> Mute:
    """Times of a decoded silence are ms already (see ``sentinel.ingest.control``)."""
    matchers = tuple(parse_matcher(text) for text in silence.matchers)
    span = Span(int(silence.starts_at), int(silence.ends_at))  # type: ignore[arg-type]
    approved = silence.approved_by is not None
    return Mute(Suppression.SILENCE, silence.silence_id, matchers, span, of_red=approved)
