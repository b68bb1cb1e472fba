"""Run Flink as a contender: ``python -m benchmarks.flink {data_stream,sql} TASK``.

Two programs with the one rule.  ``DataStreamRule.java`` is the fastest plain form, a keyed
function as for Quix.  ``SqlRule.java`` is what a bank would write, a window in SQL; it buffers
events until the watermark passes them, which costs more.

One JVM of the installed JRE, with its default collector and compilers, has job manager and
task manager in it (Flink's local executor), at parallelism 1: the topic has one partition.
State is on the heap; a checkpoint a second to a local folder commits the transaction of the
alerts, as a step does for Sentinel: exactly once.  The scan is bounded at the end of the topic.

The job reads the topic twice in one JVM, and the second reading is timed: in the first one the
JVM compiles Flink's code, which costs as much as reading and which a job that runs for months
does once.  Sentinel's kernels are compiled before its first event too.  The start of JVM, cluster
and job is not timed.  The processor's time is that of all threads of the JVM, the collector's
and the compilers' too.  The job ends after its last checkpoint; the wait for it, up to a
second, is in the wall-clock time.
"""

import json
import subprocess
import sys
import tempfile

from confluent_kafka import Consumer, KafkaError, TopicPartition

from benchmarks.contender import Clocks, Task, tell
from benchmarks.flink.jars import fetch
from benchmarks.one_rule import MOST, WINDOW_MS

_PROGRAMS = {"data_stream": "DataStreamRule", "sql": "SqlRule"}
_SETTINGS = {
    "parallelism.default": 1,
    "state.backend.type": "hashmap",
    "pipeline.object-reuse": "true",
    "execution.checkpointing.interval": "1s",
    "execution.checkpointing.mode": "EXACTLY_ONCE",
    "execution.checkpointing.storage": "filesystem",
    "transaction-ms": 60_000,  # below the broker's limit; the connector's default is above
}
_PATIENCE_S = 30.0
# Flink's own scripts open these packages to its serializers.
_OPEN = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "util", "time")]


def main() -> None:
    """Run the task on the command line."""
    task = Task.given()
    consumer = Consumer(
        {
            "bootstrap.servers": task.broker,
            "group.id": f"{task.group}-alerts",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    _, start = consumer.get_watermark_offsets(TopicPartition(task.alerts, 0), _PATIENCE_S)
    found = _run(_PROGRAMS[sys.argv[1]], task)
    consumer.assign([TopicPartition(task.alerts, 0, start)])
    first = Clocks(found["first"], 0.0)
    alerted = _customers(consumer)
    again = alerted[len(alerted) // 2 :]
    if sorted(alerted) != sorted(again * 2):
        raise RuntimeError("Flink's second reading has not the alerts of the first")
    tell(first, Clocks(found["last"], found["cpu_s"]), again)
    consumer.close()


def _run(program: str, task: Task) -> dict[str, float]:
    """The second reading: its two moments, epoch seconds, and the processor time between them."""
    with tempfile.TemporaryDirectory() as folder:
        options = {
            **_SETTINGS,
            "execution.checkpointing.dir": f"file://{folder}",
            "broker": task.broker,
            "topic": task.topic,
            "alerts": task.alerts,
            "group": task.group,
            "window-ms": WINDOW_MS,
            "most": MOST,
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        command = ["java", *_OPEN, "-Xmx2g", "-cp", fetch(), program, *arguments]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def _customers(consumer: Consumer) -> list[str]:
    """The customers of the committed alerts, read from the topic up to its end."""
    customers: list[str] = []
    while True:
        message = consumer.poll(_PATIENCE_S)
        if message is None:
            raise TimeoutError("the topic of Flink's alerts has no end")
        if (error := message.error()) is None:
            customers.append(json.loads(message.value())["customer_id"])
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its only name
            return customers
        else:
            raise RuntimeError(str(error))


if __name__ == "__main__":
    main()
