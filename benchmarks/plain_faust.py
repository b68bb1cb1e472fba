"""Peer: a plain Faust agent, one event at a time.

The fastest plain form: raw bytes parsed by orjson, a dict instead of a Table (which
would halve it), no web server, nothing declared, no leader topic; polls of up to 5,000
records instead of 500, a large stream buffer, offsets committed in the background as
always.  The state dies with the process.
"""

import asyncio
import os

import faust
import orjson

from benchmarks.contender import Clocks, Task, clocks, tell
from benchmarks.one_rule import Counter


def main() -> None:
    """Run the task on the command line."""
    task = Task.given()
    app = faust.App(
        task.group,
        broker=f"kafka://{task.broker}",
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        broker_max_poll_records=5_000,
        stream_buffer_maxsize=16_384,
    )
    transactions = app.topic(task.topic, value_serializer="raw", key_serializer="raw")
    alerts = app.topic(task.alerts, value_serializer="raw", key_serializer="raw")
    finishing: list[asyncio.Task[None]] = []

    async def finish(first: Clocks, alerted: list[str]) -> None:
        await app.producer.flush()
        consumer = app.consumer
        committed = consumer._committed_offset  # noqa: SLF001 - Faust tells it nowhere else
        while not any(at >= task.events for at in committed.values() if at):
            await asyncio.sleep(0.005)  # until the last event is acknowledged
            await consumer.commit()
        tell(first, clocks(), alerted)
        os._exit(0)  # leaving in order takes seconds

    @app.agent(transactions)  # type: ignore[untyped-decorator]  # Faust has no types
    async def detect(values: faust.StreamT[bytes]) -> None:
        counter, seen = Counter(), 0
        first: Clocks | None = None
        alerted: list[str] = []
        async for value in values:
            first = first or clocks()
            event = orjson.loads(value)
            if counter.rises_above(event["customer_id"], event["event_time"]):
                alert = {"customer_id": event["customer_id"], "event_id": event["event_id"]}
                await alerts.send(key=event["customer_id"].encode(), value=orjson.dumps(alert))
                alerted.append(event["customer_id"])
            seen += 1
            if seen == task.events:
                finishing.append(asyncio.create_task(finish(first, alerted)))

    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
