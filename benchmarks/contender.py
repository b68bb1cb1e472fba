"""What a contender on Kafka is told, and what it tells: JSON in, JSON out.

Every contender is a process of its own that reads the same topic from its start, in
batches as large as its client likes, and ends after ``events`` of them.  Its time runs from
``first``, when its code is given the first event, to ``last``, when the broker has
confirmed the commit of the last event's position, with all alerts delivered before.
Start-up, joining the group and shutting down are not in it.
"""

import json
import sys
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
        return cls(**json.loads(sys.argv[1]))

    def text(self) -> str:
        """The task as one argument."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Result:
    """Epoch seconds of the first event and the last commit; the customers that had alerts."""

    first: float
    last: float
    customers: list[str]

    @classmethod
    def read(cls, text: str) -> "Result":
        """The result in a contender's last line of output."""
        return cls(**json.loads(text.strip().splitlines()[-1]))


def tell(first: float, last: float, alerted: Collection[str]) -> None:
    """Print the result for the benchmark; ``alerted`` are customers, repeated or not."""
    print(json.dumps(asdict(Result(first, last, sorted(set(alerted))))), flush=True)
