"""Transactions held until their verdict: against a naive account, wherever the input is cut."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sentinel.feedback import LabelBuffer
from sentinel.model.columns import Rows, Texts
from sentinel.model.events import Stream
from sentinel.model.ids import PLAIN
from sentinel.model.label import Label
from sentinel.model.response import Verdict

FIELDS = ("merchant_id", "device_id")
Named = tuple[str, str | None, str | None]


def rows(events: Sequence[Named], indices: Sequence[int]) -> Rows:
    """Transactions of the id, merchant and device given, at their places of the batch."""
    columns = {"event_id": PLAIN.texts([each[0] for each in events])}
    columns["amount"] = np.array([float(len(each[0])) for each in events])
    data, spans = b"", []
    for field, name in enumerate(FIELDS, 1):
        texts = [each[field] for each in events]
        columns[name] = PLAIN.texts(texts)
        at = []
        for text in texts:
            at.append((len(data), len((text or "junk").encode())))
            data += (text or "").encode()
        spans.append(np.array(at, np.int64).reshape(-1, 2))
    return Rows(
        Stream.TRANSACTION,
        [None] * len(events),  # type: ignore[list-item]
        np.array(indices, np.int64),
        np.zeros(len(events), np.int64),
        dict(columns),
        Texts(np.frombuffer(data, np.uint8), tuple(FIELDS), np.stack(spans)),
    )


def test_a_verdict_names_whom_the_transaction_named() -> None:
    """Its merchant as text, its amount; what it does not name is not there."""
    buffer = LabelBuffer(4, FIELDS)
    buffer.begin(rows([("E1", "M1", None), ("E22", "M2", "D2")], [0, 1]))
    assert buffer.finish() == []
    buffer.begin(None)
    assert buffer.judge(["E1", "E22", "E3"], Verdict.CONFIRMED, 50, 0) == 2
    assert buffer.finish() == [
        Label({"merchant_id": "M1"}, 2.0, Verdict.CONFIRMED, 50),
        Label({"merchant_id": "M2", "device_id": "D2"}, 3.0, Verdict.CONFIRMED, 50),
    ]


def test_another_verdict_undoes_the_one_before_where_it_was() -> None:
    """The same one again says nothing; another one takes it back as of its own time."""
    buffer = LabelBuffer(4, FIELDS)
    buffer.begin(rows([("E1", "M1", None)], [0]))
    ids = {"merchant_id": "M1"}
    for at_ms in (50, 60):
        buffer.judge(["E1"], Verdict.CONFIRMED, at_ms, 1)
    buffer.judge(["E1"], Verdict.FALSE_POSITIVE, 70, 1)
    assert buffer.finish() == [
        Label(ids, 2.0, Verdict.CONFIRMED, 50),
        Label(ids, 2.0, Verdict.CONFIRMED, 50, undone=True),
        Label(ids, 2.0, Verdict.FALSE_POSITIVE, 70),
    ]


def test_a_verdict_on_what_comes_later_in_the_step_finds_nothing() -> None:
    """A step is taken in as far as the answer's place, as if it had been cut there."""
    buffer = LabelBuffer(4, FIELDS)
    buffer.begin(rows([("E1", "M1", None), ("E2", "M1", None)], [0, 3]))
    assert buffer.judge(["E2"], Verdict.CONFIRMED, 50, 3) == 0
    assert buffer.judge(["E2"], Verdict.CONFIRMED, 50, 4) == 1


def test_long_texts_are_forgotten_rather_than_mixed_up() -> None:
    """Texts share a ring: what has been written over is no longer held."""
    buffer = LabelBuffer(2, FIELDS)
    buffer.begin(rows([("E1", "a" * 100, None), ("E2", "b" * 100, None)], [0, 1]))
    assert buffer.judge(["E1"], Verdict.CONFIRMED, 1, 2) == 0
    assert buffer.judge(["E2"], Verdict.CONFIRMED, 1, 2) == 1
    assert buffer.finish()[0].ids == {"merchant_id": "b" * 100}


def test_other_fields_start_anew() -> None:
    """What was held for other measures is of no use."""
    buffer, other = LabelBuffer(4, FIELDS), LabelBuffer(4, ("device_id",))
    buffer.begin(rows([("E1", "M1", "D1")], [0]))
    buffer.finish()
    other.restore(buffer.snapshot())
    assert other.judge(["E1"], Verdict.CONFIRMED, 1, 0) == 0


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["m", "mm", None]), st.sampled_from(["d" * 30, "é", None])),
            st.tuples(st.integers(0, 30), st.sampled_from(Verdict)),
        ),
        max_size=40,
    ),
    st.sets(st.integers(1, 39)),
    st.integers(0, 39),
)
def test_cuts_and_restarts_change_nothing(
    happened: list[tuple[str | None, str | None] | tuple[int, Verdict]],
    cuts: set[int],
    restart: int,
) -> None:
    """Whole, or cut anywhere with a restart: the same labels, and the same state."""
    whole, _ = _played(happened, set(), None)
    parts, labels = _played(happened, cuts, restart)
    expected = _played(happened, set(), None)[1]
    assert labels == expected
    assert {name: bytes(part) for name, part in parts.snapshot().items()} == {
        name: bytes(part) for name, part in whole.snapshot().items()
    }


def _played(
    happened: list[tuple[str | None, str | None] | tuple[int, Verdict]],
    cuts: set[int],
    restart: int | None,
) -> tuple[LabelBuffer, list[Label]]:
    buffer, labels = LabelBuffer(5, FIELDS), list[Label]()
    edges = [0, *sorted(cut for cut in cuts if cut < len(happened)), len(happened)]
    number = 0
    for first, last in pairwise(edges):
        if restart is not None and first <= restart < last:
            fresh = LabelBuffer(5, FIELDS)
            fresh.restore(buffer.snapshot())
            buffer = fresh
        events: list[Named] = []
        indices: list[int] = []
        responses: list[tuple[int, int, Verdict]] = []
        for index, (one, other) in enumerate(happened[first:last]):
            if isinstance(other, Verdict):
                responses.append((index, int(one or 0), other))
            else:
                events.append((f"E{number}", one, other))  # type: ignore[arg-type]
                indices.append(index)
                number += 1
        buffer.begin(rows(events, indices) if events else None)
        for index, event, verdict in responses:
            buffer.judge([f"E{event}"], verdict, 1_000 + first + index, index)
        labels += buffer.finish()
    return buffer, labels
