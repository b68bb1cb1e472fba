"""Scored events until their labels are due, rows to learn from, and risk by known labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sentinel.evaluate.learning.label_history import LabelHistory, Question
from sentinel.evaluate.learning.pending import Answer, Labelled, Pending, Scored
from sentinel.evaluate.learning.training_buffer import TrainingBuffer
from sentinel.model.response import Verdict

DELAY_MS = 100


def scored(first: int, times: list[int], entity: int = 7) -> Scored:
    """Events of those times, numbered from ``first``, one feature each."""
    n = len(times)
    number = np.arange(first, first + n)
    return Scored(
        event_id=number.astype(np.uint64),
        time=np.array(times, np.int64),
        entity=np.full(n, entity, np.uint64),
        values=number.astype(np.float32).reshape(n, 1),
        margin=number / 10,
    )


def test_a_label_counts_when_it_is_due_and_the_newest_answer_is_it() -> None:
    """Nothing before the delay; a correction before it undoes what was said."""
    pending = Pending(10, DELAY_MS, 1)
    pending.hold(scored(0, [0, 10, 20, 30]))
    for event, verdict in (
        (0, Verdict.CONFIRMED),
        (1, Verdict.CONFIRMED),
        (1, Verdict.FALSE_POSITIVE),
        (2, Verdict.UNDECIDED),
    ):
        assert pending.answer(Answer(event, verdict))
    assert not pending.answer(Answer(9, Verdict.CONFIRMED))
    assert len(pending.due(DELAY_MS - 1).time) == 0
    due = pending.due(DELAY_MS + 25)
    assert due.event_id.tolist() == [0, 1]  # the undecided one teaches nothing
    assert due.fraud.tolist() == [True, False]
    assert due.due.tolist() == [DELAY_MS, DELAY_MS + 10]
    assert due.values[:, 0].tolist() == [0.0, 1.0]
    assert len(pending) == 1


def test_what_makes_room_is_counted() -> None:
    """The oldest lose their labels, and one hears of it."""
    pending = Pending(3, DELAY_MS, 1)
    assert pending.hold(scored(0, [0, 1])) == 0
    assert pending.hold(scored(2, [2, 3, 4, 5])) == 3
    assert pending.due(10**6).event_id.tolist() == [3, 4, 5]


@given(st.lists(st.integers(1, 5), max_size=8), st.integers(0, 7), st.integers(0, 60))
def test_a_restart_changes_nothing(sizes: list[int], restart: int, now_ms: int) -> None:
    """Snapshot and restore anywhere: the same rows come due, and the states are equal bytes."""
    straight, restarted = Pending(6, DELAY_MS, 1), Pending(6, DELAY_MS, 1)
    first = 0
    for index, size in enumerate(sizes):
        if index == restart:
            fresh = Pending(6, DELAY_MS, 1)
            fresh.restore(restarted.snapshot())
            restarted = fresh
        events = scored(first, list(range(first, first + size)))
        first += size
        for each in (straight, restarted):
            each.hold(events)
            each.answer(Answer(first - 1, Verdict.CONFIRMED))
    assert straight.snapshot() == restarted.snapshot()
    one, other = straight.due(DELAY_MS + now_ms), restarted.due(DELAY_MS + now_ms)
    assert one.event_id.tolist() == other.event_id.tolist()
    assert one.fraud.tolist() == other.fraud.tolist()


def labelled(first: int, times: list[int], frauds: set[int], spread: int = 1) -> Labelled:
    """Labelled events; ids are spread over the hashes' range."""
    events = scored(first, times)
    ids = (events.event_id * np.uint64(spread)).astype(np.uint64)
    return Labelled(
        event_id=ids,
        time=events.time,
        entity=events.entity,
        values=events.values,
        margin=events.margin,
        fraud=np.array([first + i in frauds for i in range(len(times))], np.bool_),
        due=events.time + DELAY_MS,
    )


def test_all_frauds_are_kept_and_a_share_of_the_rest_stands_for_all() -> None:
    """Weights make up for what is left out: they sum to about the number of events."""
    buffer = TrainingBuffer(10_000, 10**9, 0.1, 1)
    spread = 2**64 // 4_001
    frauds = set(range(0, 4_000, 100))
    buffer.add(labelled(0, list(range(4_000)), frauds, spread))
    row = buffer.row()
    assert row.fraud.sum() == len(frauds)
    assert (row.weight[row.fraud] == 1.0).all()
    assert row.weight.sum() == pytest.approx(4_000, rel=0.02)
    assert len(row.time) < 500


def test_old_rows_go_and_a_corrected_label_is_undone() -> None:
    """Rows older than the span are forgotten; a label can be turned either way."""
    buffer = TrainingBuffer(100, 50, 1.0, 1)
    buffer.add(labelled(0, [0, 30, 60], {0}))
    assert buffer.row().time.tolist() == [30, 60]
    assert buffer.correct(1, fraud=True)
    assert not buffer.correct(0, fraud=False)
    assert buffer.row().fraud.tolist() == [True, False]
    fresh = TrainingBuffer(100, 50, 1.0, 1)
    fresh.restore(buffer.snapshot())
    assert fresh.snapshot() == buffer.snapshot()


def _asked(
    risk: LabelHistory, now: int, labels: Labelled, evidence: list[float] | None = None
) -> NDArray[np.float64]:
    """The measures of one event at ``now``, after the labels."""
    given = np.ones(len(labels.time)) if evidence is None else np.array(evidence)
    at, entity = np.array([now], np.int64), np.array([7], np.uint64)
    return risk.advance(entity, at, labels, given)[0][:, 0]


def test_every_question_about_known_labels() -> None:
    """Worked by hand: labels of 0, 20, 40, 60 s, of which the last two are frauds."""
    second = 1_000
    asked = [(question, 50 * second) for question in Question]
    risk = LabelHistory(10, 8, 10**9, DELAY_MS, asked)
    labels = labelled(0, [0, 20 * second, 40 * second, 60 * second], {2, 3})
    now = 61 * second + DELAY_MS
    share, frauds, first, last, run, run_since, least = _asked(risk, now, labels, [1, 2, 3, 4])
    assert (share, frauds) == (pytest.approx(2 / 3), 2)
    assert (first, last) == (pytest.approx(21.1), pytest.approx(1.1))
    assert (run, run_since, least) == (2, pytest.approx(21.1), 3)


def test_labels_that_are_not_due_are_not_known() -> None:
    """An event sees what is due at its time, wherever the step ends."""
    risk = LabelHistory(10, 8, 10**9, DELAY_MS, [(Question.FRAUDS, None)])
    labels = labelled(0, [0, 50], {0, 1})
    times, entity = np.array([99, 100, 149, 150], np.int64), np.full(4, 7, np.uint64)
    measures, _ = risk.advance(entity, times, labels, np.ones(2))
    assert measures[0].tolist() == [0, 1, 1, 2]


def test_a_busy_entity_remembers_its_newest_labels_and_a_correction_is_seen() -> None:
    """History is bounded; what is corrected counts as it should have; restart changes nothing."""
    risk = LabelHistory(10, 3, 10**9, DELAY_MS, [(Question.FRAUDS, None)])
    nothing = labelled(0, [], set())
    assert _asked(risk, 1_000, labelled(0, [0, 1, 2, 3, 4], {0, 1, 2, 3}))[0] == 2
    assert risk.correct(4, fraud=True)
    assert not risk.correct(0, fraud=False)
    fresh = LabelHistory(10, 3, 10**9, DELAY_MS, [(Question.FRAUDS, None)])
    fresh.restore(risk.snapshot())
    assert fresh.snapshot() == risk.snapshot()
    assert _asked(fresh, 2_000, nothing)[0] == _asked(risk, 2_000, nothing)[0] == 3
