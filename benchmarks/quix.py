"""Peer: Quix Streams with its state store (RocksDB, backed by a changelog topic).

The rule is a stateful function over the customer's recent event times, exact as the
others'; Quix's own sliding windows do more and are slower.  Settings: as shipped (at least
once, a checkpoint every 5 s, orjson), with the hand loop's fetches.  Without the changelog,
and so without recovery, it is no faster here.
"""

import tempfile
from typing import Any

from quixstreams import Application, State  # the peers' venv

from benchmarks.contender import Clocks, Task, clocks, tell
from benchmarks.one_rule import MOST, WINDOW_MS


class _Timed(Application):  # type: ignore[misc]
    """An application that notes when its last checkpoint is committed."""

    committed: Clocks | None = None

    def _run_dataframe(self, sink: Any = None) -> None:
        super()._run_dataframe(sink)
        self.committed = clocks()


def main() -> None:
    """Run the task on the command line."""
    task = Task.given()
    with tempfile.TemporaryDirectory() as state_dir:
        app = _Timed(
            broker_address=task.broker,
            consumer_group=task.group,
            auto_offset_reset="earliest",
            state_dir=state_dir,
            consumer_extra_config={
                "fetch.message.max.bytes": 16 << 20,
                "queued.max.messages.kbytes": 256 << 10,
                "fetch.queue.backoff.ms": 5,
            },
            loglevel="ERROR",
        )
        first: Clocks | None = None
        seen = 0
        alerted: list[str] = []

        def detect(event: dict[str, Any], state: State) -> dict[str, Any] | None:
            nonlocal first, seen
            first = first or clocks()
            seen += 1
            if seen == task.events:
                app.stop()
            now = event["event_time"]
            times = [each for each in state.get("times", []) if each > now - WINDOW_MS]
            times.append(now)
            state.set("times", times)
            if len(times) != MOST + 1:
                return None
            alerted.append(event["customer_id"])
            return {"customer_id": event["customer_id"], "event_id": event["event_id"]}

        transactions = app.topic(task.topic, value_deserializer="json")
        alerts = app.topic(task.alerts, value_serializer="json")
        found = app.dataframe(transactions).apply(detect, stateful=True)
        found.filter(lambda alert: alert is not None).to_topic(alerts)
        app.run()
        assert first is not None
        assert app.committed is not None
        tell(first, app.committed, alerted)


if __name__ == "__main__":
    main()
