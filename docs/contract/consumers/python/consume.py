"""Keep a table of alerts up to date.

Run it as ``python consume.py localhost:9092 sentinel.alerts alerts.db``.  It reads
committed messages only and upserts by alert_id: the highest revision wins, so a message
that is read twice, or late, does no harm.  The offset is committed after the table is written.
An optional fourth argument ends it when nothing has come for so many seconds.
"""

import json
import sqlite3
import sys
import time

from confluent_kafka import Consumer

UPSERT = """
INSERT INTO alerts (alert_id, revision, tier, state, customer, alert) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (alert_id) DO UPDATE SET
    revision = excluded.revision, tier = excluded.tier, state = excluded.state,
    customer = excluded.customer, alert = excluded.alert
WHERE excluded.revision > alerts.revision
"""


def main(brokers: str, topic: str, path: str, idle_s: float = float("inf")) -> None:
    """Keep the table up to date."""
    table = sqlite3.connect(path)
    table.execute(
        "CREATE TABLE IF NOT EXISTS alerts (alert_id TEXT PRIMARY KEY, revision INTEGER,"
        " tier TEXT, state TEXT, customer TEXT, alert TEXT)"
    )
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "example-python",
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    heard = time.monotonic()
    while time.monotonic() - heard < idle_s:
        message = consumer.poll(0.5)
        if message is None:
            continue
        if message.error():
            raise RuntimeError(message.error())
        heard = time.monotonic()
        alert = json.loads(message.value())["data"]
        row = (alert["alert_id"], alert["revision"], alert["tier"], alert["state"], alert["key"])
        with table:
            table.execute(UPSERT, (*row, json.dumps(alert)))
        consumer.commit(message)
    consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(float, sys.argv[4:]))
