"""From signals to alerts: fuse, score, tier, deduplicate, and follow until resolved.

One alert is open per entity and risk type.  ``fusion`` scores signals, ``book`` keeps the
open alerts and writes their revisions, ``suppressors`` decide which of them are suppressed, and
``alerting`` runs a step through all of these.  Every signal that causes no revision is counted
with the reason.
"""

from zoneinfo import ZoneInfo

from sentinel.alerting.alerting import Alerting, AlertingOutput
from sentinel.alerting.policy import read_policy
from sentinel.alerting.revision import tier_found
from sentinel.alerting.suppression import read_suppression
from sentinel.model.document import Document
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.share import WHOLE, Share

__all__ = ["Alerting", "AlertingOutput", "load", "read_policy", "tier_found"]


def load(
    tiers: Document,
    suppression: Document,
    zone: ZoneInfo,
    hasher: Hasher = PLAIN,
    share: Share = WHOLE,
) -> Alerting:
    """Alerting with nothing open, by tiers.yaml and suppression.yaml.

    ``zone`` is the time zone of local times, ``hasher`` has the key of alert ids, ``share`` is
    this shard's share of the desk's capacity.  Raises
    :class:`~sentinel.model.document.ConfigError`.
    """
    return Alerting(read_policy(tiers), read_suppression(suppression, zone), hasher.key, share)
