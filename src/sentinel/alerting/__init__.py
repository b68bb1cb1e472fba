"""From signals to alerts: fuse, score, tier, deduplicate, and follow until resolved.

One alert is open per entity and risk type.  ``fusion`` scores signals, ``book`` keeps the
open alerts and writes their revisions, ``suppressors`` decide which of them are suppressed, and
``alerting`` runs a step through all of these.  Every signal that causes no revision is counted
with the reason.
"""

from collections.abc import Mapping
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sentinel.alerting.alerting import Alerting, AlertingOutput
from sentinel.alerting.policy import read_policy
from sentinel.alerting.revision import tier_found
from sentinel.alerting.suppression import read_suppression
from sentinel.alerting.terms import Terms, read_terms
from sentinel.model.document import Document
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.share import WHOLE, Share
from sentinel.model.signal import Action

__all__ = [
    "Alerting",
    "AlertingOutput",
    "Terms",
    "load",
    "read_policy",
    "read_terms",
    "tier_found",
]


def load(
    tiers: Document,
    suppression: Document,
    zone: ZoneInfo,
    hasher: Hasher = PLAIN,
    share: Share = WHOLE,
    terms: Mapping[Action, Terms] = MappingProxyType({}),
) -> Alerting:
    """Alerting with nothing open, by tiers.yaml and suppression.yaml.

    ``zone`` is the time zone of local times, ``hasher`` has the key of alert ids, ``share`` is
    this shard's share of the desk's capacity, ``terms`` say how long an action lasts.  Raises
    :class:`~sentinel.model.document.ConfigError`.
    """
    rules = read_suppression(suppression, zone)
    longest_ms = {
        action: each.restriction.longest_ms for action, each in terms.items() if each.restriction
    }
    return Alerting(read_policy(tiers), rules, hasher.key, share, longest_ms)
