"""The demo's analyst: answers some alerts, so that acknowledged and resolved ones are seen."""

import time

import msgspec

from sentinel.model.alert import Alert, AlertState, Tier
from sentinel.model.response import Control, Response, ResponseKind, Verdict
from sentinel.simulate.feed import Feed

_ACTOR = "demo.analyst"
_URGENT = (Tier.RED, Tier.ORANGE)
_EVERY = 3  # one in so many of the less urgent alerts gets a verdict


class Analyst:
    """Acknowledges what is urgent, and gives a verdict on some of the rest."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._seen = 0

    def look(self, alerts: list[Alert]) -> None:
        """Answer firing alerts that are not suppressed: urgent ones, and some that just opened."""
        for alert in alerts:
            if alert.suppressed or alert.state is not AlertState.FIRING:
                continue
            if alert.tier in _URGENT:
                self._answer(alert, ResponseKind.ACKNOWLEDGE)
            elif alert.revision == 1:
                self._seen += 1
                if self._seen % _EVERY == 0:
                    self._answer(alert, ResponseKind.DISPOSITION, Verdict.FALSE_POSITIVE)

    def _answer(self, alert: Alert, kind: ResponseKind, verdict: Verdict | None = None) -> None:
        response = Response(
            response_id=f"{alert.alert_id}.{alert.revision}",
            event_time=time.time_ns() // 1_000_000,
            key=alert.key,
            alert_id=alert.alert_id,
            kind=kind,
            actor=_ACTOR,
            verdict=verdict,
        )
        self._feed.send(Control.RESPONSE, response.key, msgspec.json.encode(response))
