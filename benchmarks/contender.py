"""What a contender on Kafka is told, and what it tells: JSON in, JSON out.

Every contender is a process of its own that reads the same topic from its start, in
batches as large as its client likes, and ends after ``events`` of them.  Its time runs from
``first``, when its code is given the first event, to ``last``, when the broker has
confirmed the commit of the last event's position, with all alerts delivered before.
Start-up, joining the group and shutting down are not in it.

The processor's time is counted between the same two moments: user and system seconds of all
threads of the process, and of children that have ended.
"""

import json
import resource
import sys
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """Read ``events`` events of ``topic`` as ``group`` and send alerts to ``alerts``."""

    broker: str
    topic: str
    alerts: str
    group: str
    events: int

    @classmethod
    def given(cls) -> "Task":
        """The task that the benchmark put on the command line."""
        return cls(**json.loads(sys.argv[-1]))

    def text(self) -> str:
        """The task as one argument."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Clocks:
    """Epoch seconds, and the processor's seconds that a process has used so far."""

    time: float
    cpu_s: float


def clocks() -> Clocks:
    """Both clocks of this process, now."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Clocks(time.time(), sum(each.ru_utime + each.ru_stime for each in used))


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds from the first event to the last commit; the customers that had alerts."""

    wall_s: float
    cpu_s: float
    customers: list[str]

    @classmethod
    def read(cls, text: str) -> "Result":
        """The result in a contender's last line of output."""
        return cls(**json.loads(text.strip().splitlines()[-1]))


def tell(first: Clocks, last: Clocks, alerted: Collection[str]) -> None:
    """Print the result for the benchmark; ``alerted`` are customers, repeated or not."""
    wall_s, cpu_s = last.time - first.time, last.cpu_s - first.cpu_s
    print(json.dumps(asdict(Result(wall_s, cpu_s, sorted(set(alerted))))), flush=True)
