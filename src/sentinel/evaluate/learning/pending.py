"""Scored events that wait for their label, as they were when they were scored."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sentinel.evaluate.learning.fifo import Fifo
from sentinel.model.response import Verdict

_NONE, _CONFIRMED, _FALSE_POSITIVE, _UNDECIDED = range(4)
_CODES = {
    Verdict.CONFIRMED: _CONFIRMED,
    Verdict.FALSE_POSITIVE: _FALSE_POSITIVE,
    Verdict.UNDECIDED: _UNDECIDED,
}


@dataclass(frozen=True, slots=True)
class Scored:
    """Events as they were scored, n rows in merged order.

    ``event_id`` uint64[n] hashes, ``time`` int64[n] ms UTC, ``entity`` uint64[n] the hash of what
    their risk is kept by, ``values`` float32[n, d] the model's features, ``margin`` float64[n] the
    model's log odds, NaN where there was no model yet.
    """

    event_id: NDArray[np.uint64]
    time: NDArray[np.int64]
    entity: NDArray[np.uint64]
    values: NDArray[np.float32]
    margin: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labelled(Scored):
    """Scored events whose labels are due; ``fraud`` bool[n], ``due`` int64[n] ms UTC."""

    fraud: NDArray[np.bool_]
    due: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answer:
    """A label on an event by a person or a chargeback, ``event_id`` its hash."""

    event_id: int
    verdict: Verdict


def joined(parts: Sequence[Labelled]) -> Labelled:
    """Labelled events of several calls as one, in their order."""
    return Labelled(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Labelled)
        }
    )


class Pending:
    """Events until their label is due, ``delay_ms`` after they happened.

    A label takes effect when it is due and not before: if frauds counted at once and the rest
    after the delay, the newest days would be all fraud.  Until then the newest answer on an event
    counts, so one that corrects another undoes it.  An event without a label, or
    ``false_positive``, was genuine; one that stays ``undecided`` teaches nothing.

    It holds at most ``capacity`` events; an event that is evicted loses its label.
    """

    def __init__(self, capacity: int, delay_ms: int, width: int) -> None:
        self._delay_ms = delay_ms
        self._rows = Fifo(
            capacity,
            {
                "event_id": (np.uint64, ()),
                "time": (np.int64, ()),
                "entity": (np.uint64, ()),
                "values": (np.float32, (width,)),
                "margin": (np.float64, ()),
                "answer": (np.int8, ()),
            },
        )

    def __len__(self) -> int:
        return len(self._rows)

    def hold(self, scored: Scored) -> int:
        """Keep events until their labels are due; returns how many were evicted unlabelled."""
        return self._rows.push(
            {
                "event_id": scored.event_id,
                "time": scored.time,
                "entity": scored.entity,
                "values": scored.values,
                "margin": scored.margin,
                "answer": np.full(len(scored.time), _NONE, np.int8),
            }
        )

    def answer(self, answer: Answer) -> bool:
        """Note an answer; False where its event is not held, never or no longer."""
        found = np.flatnonzero(self._rows.column("event_id") == np.uint64(answer.event_id))
        self._rows.write("answer", found, _CODES[answer.verdict])
        return len(found) > 0

    def due(self, now_ms: int) -> Labelled:
        """The events whose labels are due at ``now_ms``; they are no longer held.

        Events leave in the order they came: a late one waits with those before it.
        """
        time = np.asarray(self._rows.column("time"), np.int64)
        waits = np.flatnonzero(time + self._delay_ms > now_ms)
        rows = self._rows.head(int(waits[0]) if len(waits) else len(time))
        self._rows.drop(len(rows["time"]))
        answer = rows.pop("answer")
        decided = answer != _UNDECIDED
        due = np.maximum.accumulate(np.asarray(rows["time"], np.int64)) + self._delay_ms
        return Labelled(
            **{name: column[decided] for name, column in rows.items()},
            fraud=answer[decided] == _CONFIRMED,
            due=due[decided],
        )

    def snapshot(self) -> bytes:
        """All that waits."""
        return self._rows.snapshot()

    def restore(self, data: bytes) -> None:
        """Restore the state that :meth:`snapshot` returned, under the same configuration."""
        self._rows.restore(data)
