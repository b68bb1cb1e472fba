"""librdkafka's built-in Kafka cluster, in this process: for demos and quick tests only.

It keeps about 5 MB a partition and does not fence, so it proves nothing about delivery.  It returns
one batch of a partition a fetch, and answers a fetch without data only after the full wait:
``SENTINEL_BUILT_IN_CLUSTER`` tells a worker so (kafka/repeated_fetch.py).

A fetch costs O(batches kept of the partition): the cluster searches them one after another.  So its
producers send few, large batches, and ``trim`` deletes what its consumers have processed.
"""

import ctypes
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition, cimpl

NAME = "librdkafka's built-in cluster"
PARTITIONS = 4
_PRODUCER, _BROKERS = 0, 1
_ERROR_BYTES = 512
_ANSWER_S = 5.0


class ClusterError(Exception):
    """The built-in cluster did not start; the message says why."""


class Cluster:
    """A cluster of one broker that lives as long as the process; raises ClusterError.

    It uses librdkafka's C interface: only that can delete records.
    """

    def __init__(self) -> None:
        # The extension module's own librdkafka: its symbols are found through the module.
        self._library = ctypes.CDLL(cimpl.__file__)
        self._library.rd_kafka_new.restype = ctypes.c_void_p
        self._library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
        self._library.rd_kafka_mock_cluster_new.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self._library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        self._library.rd_kafka_mock_cluster_bootstraps.argtypes = [ctypes.c_void_p]
        self._library.rd_kafka_mock_partition_delete_records.argtypes = [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_int32,
            ctypes.c_int64,
        ]
        self._library.rd_kafka_conf_new.restype = ctypes.c_void_p
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        size = ctypes.c_size_t(_ERROR_BYTES)
        quiet = ctypes.c_void_p(self._library.rd_kafka_conf_new())
        self._library.rd_kafka_conf_set(quiet, b"log_level", b"0", error, size)
        owner = self._library.rd_kafka_new(_PRODUCER, quiet, error, size)
        if not owner:
            raise ClusterError(error.value.decode())
        self._cluster = self._library.rd_kafka_mock_cluster_new(owner, _BROKERS)
        if not self._cluster:
            raise ClusterError(f"{NAME} did not start")
        self.address = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        self._client = Producer({"bootstrap.servers": self.address, "log_level": 0})

    def create(self, topics: Iterable[str]) -> None:
        """Create topics: this cluster makes those that a producer asks for, of PARTITIONS."""
        for topic in topics:
            self._client.list_topics(topic, timeout=10)

    def trim(self, topics: Iterable[str], group: str) -> None:
        """Delete the records of topics that a consumer group has processed.

        The broker's DeleteRecords request, which would do, is not supported by this cluster.
        """
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": group, "log_level": 0})
        partitions = [
            TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)
        ]
        try:
            processed = consumer.committed(partitions, _ANSWER_S)
        except KafkaException:  # a busy cluster: the next call deletes more
            return
        finally:
            consumer.close()
        for committed in processed:
            if committed.offset > 0:
                self._library.rd_kafka_mock_partition_delete_records(
                    self._cluster, committed.topic.encode(), committed.partition, committed.offset
                )
