"""What a change of configuration changes: alerts gained, lost, and of another tier."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sentinel.backtest.run import Episode, Run
from sentinel.model.alert import Tier

EXAMPLES = 20
"""How many gained and lost alerts are named."""


@dataclass(slots=True)
class Differences:
    """Alerts of the new configuration beside those of the old one.

    Two alerts are the same one if entity and kind of risk agree and they were open at one
    moment.  Counts by rule count an alert once for each rule that had a part in it.
    """

    gained: Counter[Tier] = field(default_factory=Counter)
    lost: Counter[Tier] = field(default_factory=Counter)
    moved: Counter[tuple[Tier, Tier]] = field(default_factory=Counter)
    """From the old tier to the new, where they differ."""
    same: int = 0
    gained_by_rule: Counter[str] = field(default_factory=Counter)
    lost_by_rule: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, Episode]] = field(default_factory=list)
    """The first that were gained or lost, in order of time."""

    def figures(self) -> dict[str, object]:
        """Everything as plain data."""
        return {
            "same": self.same,
            "gained": {tier.value: self.gained[tier] for tier in Tier},
            "lost": {tier.value: self.lost[tier] for tier in Tier},
            "moved": {
                f"{old.value} -> {new.value}": count
                for (old, new), count in sorted(self.moved.items())
            },
            "gained_by_rule": dict(sorted(self.gained_by_rule.items())),
            "lost_by_rule": dict(sorted(self.lost_by_rule.items())),
        }


def compare(new: Run, old: Run, warm_up_ms: int) -> Differences:
    """Pair the alerts of two runs over the same data, those opened after the warm-up."""
    begin_ms = new.first_ms + warm_up_ms
    theirs: defaultdict[tuple[str, str, str], list[Episode]] = defaultdict(list)
    for episode in _from(old.episodes.values(), begin_ms):
        theirs[_key(episode)].append(episode)
    found, unpaired = Differences(), []
    for episode in _from(new.episodes.values(), begin_ms):
        candidates = theirs[_key(episode)]
        match = next((each for each in candidates if _overlap(each, episode)), None)
        if match is None:
            found.gained[episode.tier] += 1
            found.gained_by_rule.update(episode.rules)
            unpaired.append(("gained", episode))
            continue
        candidates.remove(match)
        found.same += match.tier is episode.tier
        if match.tier is not episode.tier:
            found.moved[match.tier, episode.tier] += 1
    for left in theirs.values():
        for episode in left:
            found.lost[episode.tier] += 1
            found.lost_by_rule.update(episode.rules)
            unpaired.append(("lost", episode))
    unpaired.sort(key=lambda each: (each[1].opened_ms, each[1].alert_id))
    found.examples = unpaired[:EXAMPLES]
    return found


def _from(episodes: Iterable[Episode], begin_ms: int) -> list[Episode]:
    kept = [each for each in episodes if each.opened_ms >= begin_ms]
    return sorted(kept, key=lambda each: (each.opened_ms, each.alert_id))


def _key(episode: Episode) -> tuple[str, str, str]:
    return episode.kind, episode.entity, episode.risk


def _overlap(a: Episode, b: Episode) -> bool:
    return a.opened_ms <= b.last_ms and b.opened_ms <= a.last_ms
