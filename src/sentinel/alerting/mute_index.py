"""An index of mutes by label: an alert is compared only with the mutes that may match it."""

from collections.abc import Iterator, Mapping

from sentinel.alerting.mute import Mute
from sentinel.model.alert import Alert, Suppression, Suppressor, Tier
from sentinel.model.matcher import all_match

Key = tuple[Suppression, str]
_NARROW_FIRST = ("entity", "rule", "risk", "tier", "entity_kind")
_Label = tuple[str, str]


class MuteIndex:
    """Mutes in insertion order; a mute that is replaced keeps its position.

    A mute that needs one value of a label is compared only with alerts that have it: of a
    thousand silences of one customer each, an alert is compared with one.
    """

    def __init__(self, mutes: Mapping[Key, Mute]) -> None:
        self._mutes: dict[Key, tuple[int, Mute]] = {}
        self._by_label: dict[_Label | None, dict[Key, None]] = {}
        self._next = 0
        for key, mute in mutes.items():
            self.put(key, mute)

    def put(self, key: Key, mute: Mute) -> None:
        """Add a mute, or replace it."""
        number = self._next
        if key in self._mutes:
            number = self._mutes[key][0]
            self.remove(key)
        else:
            self._next += 1
        self._mutes[key] = number, mute
        self._by_label.setdefault(_label(mute), {})[key] = None

    def remove(self, key: Key) -> None:
        """Remove a mute."""
        label = _label(self._mutes.pop(key)[1])
        del self._by_label[label][key]
        if not self._by_label[label]:
            del self._by_label[label]

    def suppressors(self, alert: Alert, moment_ms: int) -> list[Suppressor]:
        """What suppresses the alert at the moment, in the order of the mutes."""
        labels = alert.labels
        found = [
            (number, mute)
            for number, mute in self._candidates(labels)
            if (mute.of_red or alert.tier is not Tier.RED)
            and mute.times.is_on(moment_ms)
            and all_match(mute.matchers, labels)
        ]
        found.sort(key=lambda each: each[0])
        return [Suppressor(mute.reason, mute.name) for _, mute in found]

    def _candidates(self, labels: Mapping[str, str]) -> Iterator[tuple[int, Mute]]:
        for label in (None, *labels.items()):
            for key in self._by_label.get(label, ()):
                yield self._mutes[key]


def _label(mute: Mute) -> _Label | None:
    """The narrowest label of which the mute needs one value; None if there is none."""
    values = {each.name: each.value for each in mute.matchers if each.op == "="}
    return next(((name, values[name]) for name in _NARROW_FIRST if name in values), None)
