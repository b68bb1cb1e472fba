"""The one rule that every contender runs: more than 20 transactions in 10 minutes.

An alert goes out when a customer's count becomes 21, with the customer as its key.
"""

from collections import defaultdict, deque

WINDOW_MS = 600_000
MOST = 20

CONFIGURATION = {
    "features.yaml": """\
features:
  customer:
    txn_count_10m: {on: transaction, count: true, window: 10m}
""",
    "detectors.yaml": "detectors: []\n",
    "rules/one.yaml": """\
rules:
  - id: bench.many
    title: {en: Many transactions, zh: 交易频繁}
    risk: operational
    severity: 60
    owner: benchmarks
    on: transaction
    when: txn_count_10m > 20
""",
}
"""The same rule for Sentinel; engine, tiers and suppression are the shipped ones."""


class Counter:
    """Recent event times by customer, in a dict of deques: the plainest state there is."""

    def __init__(self) -> None:
        self._times: defaultdict[str, deque[int]] = defaultdict(deque)

    def rises_above(self, customer: str, time: int) -> bool:
        """Take in an event; whether it is the one that makes the count 21."""
        times = self._times[customer]
        times.append(time)
        while times[0] <= time - WINDOW_MS:
            times.popleft()
        return len(times) == MOST + 1
