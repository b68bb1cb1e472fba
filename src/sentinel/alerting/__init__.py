"""From signals to alerts: fuse what the rules said, tier it, say it once.

One alert is open per customer and risk type; it has numbered revisions, and every
signal that causes none is counted with the reason.
"""

from sentinel.alerting.fusion import Fused, Fusion, load

__all__ = ["Fused", "Fusion", "load"]
