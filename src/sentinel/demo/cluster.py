"""librdkafka's built-in Kafka cluster, in this process: for demos and quick tests only.

It keeps about 5 MB a partition and does not fence, so it proves nothing about delivery.  It returns
one batch of a partition a fetch, and answers a fetch without data only after the full wait:
``SENTINEL_BUILT_IN_CLUSTER`` tells a worker so (stream/repeated_fetch.py).

A fetch costs O(batches kept of the partition): the cluster searches them one after another.  So its
producers send few, large batches.
"""

from collections.abc import Iterable

from confluent_kafka import Producer

NAME = "librdkafka's built-in cluster"


class Cluster:
    """A cluster of one broker that lives as long as this object."""

    def __init__(self) -> None:
        self._keeper = Producer(
            {"bootstrap.servers": "built-in", "test.mock.num.brokers": 1, "log_level": 0}
        )
        brokers = self._keeper.list_topics(timeout=10).brokers.values()
        self.address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def create(self, topics: Iterable[str]) -> None:
        """Create topics: this cluster makes those that a producer asks for, of 4 partitions."""
        for topic in topics:
            self._keeper.list_topics(topic, timeout=10)
