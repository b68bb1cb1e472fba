"""Peer: the loop one would write by hand with confluent-kafka, orjson and a dict.

Nothing but the rule: no validation, no late events, state lost with the process.
Settings: batches of up to 5,000 messages, fetches of up to 16 MiB, 5 ms instead of a second
before a full queue is filled again (which doubles its speed); alerts are delivered
before the offsets are committed, batch by batch (at least once), without waiting for the
commit except at the end.
"""

import orjson
from confluent_kafka import Consumer, Producer

from benchmarks.contender import Clocks, Task, clocks, tell
from benchmarks.one_rule import Counter


def main() -> None:
    """Run the task on the command line."""
    task = Task.given()
    consumer = Consumer(
        {
            "bootstrap.servers": task.broker,
            "group.id": task.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": 16 << 20,
            "queued.max.messages.kbytes": 256 << 10,
            "fetch.queue.backoff.ms": 5,
        }
    )
    producer = Producer({"bootstrap.servers": task.broker, "linger.ms": 0})
    consumer.subscribe([task.topic])
    counter, seen = Counter(), 0
    first: Clocks | None = None
    alerted: list[str] = []
    while seen < task.events:
        messages = consumer.consume(min(5_000, task.events - seen), timeout=1.0)
        if messages and first is None:
            first = clocks()
        for message in messages:
            event = orjson.loads(message.value())
            if counter.rises_above(event["customer_id"], event["event_time"]):
                alert = {"customer_id": event["customer_id"], "event_id": event["event_id"]}
                producer.produce(task.alerts, orjson.dumps(alert), event["customer_id"])
                alerted.append(event["customer_id"])
        producer.flush()
        seen += len(messages)
        if messages:
            position = consumer.position(consumer.assignment())
            consumer.commit(offsets=position, asynchronous=seen < task.events)
    assert first is not None
    tell(first, clocks(), alerted)
    consumer.close()


if __name__ == "__main__":
    main()
