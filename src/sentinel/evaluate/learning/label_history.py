"""The risk of shared entities, by the labels known of them."""

from collections.abc import Sequence
from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.evaluate.learning.pending import Labelled
from sentinel.model.kernel import kernel
from sentinel.state import Slots

_NEVER_MS = 2**62
_QUESTION, _WINDOW_MS = 0, 1  # the columns of the table of questions


class Question(IntEnum):
    """The result of a measure over an entity's labels; the window ends where labels are due."""

    SHARE = 0  # frauds among the labelled events in the window
    FRAUDS = 1  # how many frauds in the window
    SINCE_FIRST = 2  # seconds since the first fraud in the window
    SINCE_LAST = 3  # seconds since the last fraud
    RUN = 4  # how many of the newest labels in a row are frauds
    RUN_SINCE = 5  # seconds since the first of that run
    RUN_LEAST = 6  # the least evidence among the frauds of that run


@kernel
def _remember(
    times: NDArray[np.int64],
    ids: NDArray[np.uint64],
    fraud: NDArray[np.bool_],
    evidence: NDArray[np.float64],
    count: int,
    time: int,
    event_id: np.uint64,
    is_fraud: bool,
    value: float,
) -> int:
    """Insert a label by time among one entity's; the oldest is dropped at capacity."""
    if count == len(times):
        if time < times[0]:
            return count
        for k in range(count - 1):
            times[k], ids[k] = times[k + 1], ids[k + 1]
            fraud[k], evidence[k] = fraud[k + 1], evidence[k + 1]
        count -= 1
    k = count
    while k > 0 and times[k - 1] > time:
        times[k], ids[k] = times[k - 1], ids[k - 1]
        fraud[k], evidence[k] = fraud[k - 1], evidence[k - 1]
        k -= 1
    times[k], ids[k], fraud[k], evidence[k] = time, event_id, is_fraud, value
    return count + 1


@kernel
def _answer(
    times: NDArray[np.int64],
    fraud: NDArray[np.bool_],
    evidence: NDArray[np.float64],
    count: int,
    now: int,
    delay_ms: int,
    questions: NDArray[np.int64],
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Walk the labels from the newest back once for each question."""
    newest = count - 1
    while newest >= 0 and times[newest] > now - delay_ms:
        newest -= 1
    for q in range(len(questions)):
        question, start = questions[q, _QUESTION], now - delay_ms - questions[q, _WINDOW_MS]
        labelled, frauds, run = 0.0, 0.0, 0.0
        first, last, run_first, least = -1, -1, -1, np.inf
        running = True
        k = newest
        while k >= 0 and times[k] > start:
            labelled += 1.0
            if fraud[k]:
                frauds += 1.0
                first = k
                if last < 0:
                    last = k
                if running:
                    run += 1.0
                    run_first = k
                    least = min(least, evidence[k])
            else:
                running = False
            k -= 1
        answer = np.nan
        if question == Question.SHARE and labelled > 0:
            answer = frauds / labelled
        elif question == Question.FRAUDS:
            answer = frauds
        elif question == Question.SINCE_FIRST and first >= 0:
            answer = (now - times[first]) / 1000.0
        elif question == Question.SINCE_LAST and last >= 0:
            answer = (now - times[last]) / 1000.0
        elif question == Question.RUN:
            answer = run
        elif question == Question.RUN_SINCE and run_first >= 0:
            answer = (now - times[run_first]) / 1000.0
        elif question == Question.RUN_LEAST and run_first >= 0:
            answer = least
        out[q, e] = answer


@kernel
def _advance(
    slots: NDArray[np.int64],
    fresh: NDArray[np.bool_],
    row: NDArray[np.int64],
    is_label: NDArray[np.bool_],
    event_time: NDArray[np.int64],
    label_time: NDArray[np.int64],
    label_id: NDArray[np.uint64],
    label_fraud: NDArray[np.bool_],
    label_evidence: NDArray[np.float64],
    times: NDArray[np.int64],
    ids: NDArray[np.uint64],
    fraud: NDArray[np.bool_],
    evidence: NDArray[np.float64],
    count: NDArray[np.int32],
    delay_ms: int,
    questions: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    for i in range(len(slots)):
        s, k = slots[i], row[i]
        if fresh[i]:
            count[s] = 0
        if is_label[i]:
            count[s] = _remember(
                times[s],
                ids[s],
                fraud[s],
                evidence[s],
                count[s],
                label_time[k],
                label_id[k],
                label_fraud[k],
                label_evidence[k],
            )
        else:
            now = event_time[k]
            _answer(times[s], fraud[s], evidence[s], count[s], now, delay_ms, questions, out, k)


class LabelHistory:
    """The newest ``history`` labels of each of at most ``capacity`` entities.

    A measure asks one :class:`Question` over a window (t - delay - window, t - delay]: labels of
    younger events are not due, and a share of those known early would be a share of frauds.
    A busy entity's measures see its ``history`` newest labels at most.
    """

    def __init__(
        self,
        capacity: int,
        history: int,
        ttl_ms: int,
        delay_ms: int,
        measures: Sequence[tuple[Question, int | None]],
    ) -> None:
        self._delay_ms = delay_ms
        self._slots = Slots(capacity, ttl_ms)
        self._questions = np.array(
            [(question, _NEVER_MS if span is None else span) for question, span in measures],
            np.int64,
        ).reshape(-1, 2)
        self._times = np.zeros((capacity, history), np.int64)
        self._ids = np.zeros((capacity, history), np.uint64)
        self._fraud = np.zeros((capacity, history), np.bool_)
        self._evidence = np.zeros((capacity, history), np.float64)
        self._count = np.zeros(capacity, np.int32)

    def advance(
        self,
        entity: NDArray[np.uint64],
        time: NDArray[np.int64],
        labelled: Labelled,
        evidence: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], int]:
        """The measures of each event, float64[measures, n], applying labels on the way.

        ``entity`` uint64[n] and ``time`` int64[n] ms UTC of the events in merged order;
        ``labelled`` what is due up to the newest of them and was not before, with its ``evidence``
        float64[m].  An event sees the labels that are due at its time.  Also returns how many
        entities were evicted.
        """
        n, m = len(entity), len(labelled.due)
        before = np.searchsorted(np.maximum.accumulate(time), labelled.due)
        is_label = np.zeros(n + m, np.bool_)
        is_label[before + np.arange(m)] = True
        row = np.where(is_label, np.cumsum(is_label), np.cumsum(~is_label)) - 1
        key, moment = np.empty(n + m, np.uint64), np.empty(n + m, np.int64)
        key[is_label], key[~is_label] = labelled.entity, entity
        moment[is_label], moment[~is_label] = labelled.due, time
        slots, fresh, evictions = self._slots.assign(key, moment)
        out = np.empty((len(self._questions), n), np.float64)
        _advance(
            slots,
            fresh,
            row,
            is_label,
            time,
            labelled.time,
            labelled.event_id,
            labelled.fraud,
            evidence,
            self._times,
            self._ids,
            self._fraud,
            self._evidence,
            self._count,
            self._delay_ms,
            self._questions,
            out,
        )
        return out, evictions.full

    def correct(self, event_id: int, *, fraud: bool) -> bool:
        """Change the label of an event; False where it is not remembered."""
        high = self._slots.highest
        used = np.arange(self._ids.shape[1]) < self._count[:high, None]
        slot, position = np.nonzero(used & (self._ids[:high] == np.uint64(event_id)))
        self._fraud[slot, position] = fraud
        return len(slot) > 0

    def snapshot(self) -> bytes:
        """All labels remembered."""
        high = self._slots.highest
        used = np.arange(self._ids.shape[1]) < self._count[:high, None]
        slots = {name: bytes(part) for name, part in self._slots.snapshot().items()}
        parts = [each[:high][used].tobytes() for each in self._arrays()[:-1]]
        return msgspec.msgpack.encode((slots, self._count[:high].tobytes(), parts))

    def restore(self, data: bytes) -> None:
        """Restore the state that :meth:`snapshot` returned, under the same configuration."""
        kind = tuple[dict[str, bytes], bytes, list[bytes]]
        slots, count, parts = msgspec.msgpack.decode(data, type=kind)
        self._slots.restore(slots)
        high = self._slots.highest
        self._count[:high] = np.frombuffer(count, np.int32)
        used = np.arange(self._ids.shape[1]) < self._count[:high, None]
        for array, part in zip(self._arrays()[:-1], parts, strict=True):
            array[:high][used] = np.frombuffer(part, array.dtype)

    def _arrays(self) -> tuple[NDArray[np.generic], ...]:
        return self._times, self._ids, self._fraud, self._evidence, self._count
