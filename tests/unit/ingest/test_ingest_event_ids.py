"""Event ids: the first of each counts, so many of the newest are known, as a naive memory says."""

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.ingest import CONFLICT, REPEAT, Decoded, EventIds, Limits, decode
from sentinel.model.columns import Array
from sentinel.model.events import Stream
from sentinel.model.ids import PLAIN
from sentinel.model.step import Chunk

FIRST = 1
_Sent = tuple[int, int, int]
"""Event id, customer, content."""
_SENT = st.tuples(st.integers(0, 9), st.integers(0, 1), st.integers(0, 2))


def _decoded(sent: list[_Sent]) -> Decoded:
    events, customers, contents = np.array(sent, np.uint64).reshape(-1, 3).T.copy()
    columns: dict[str, Array] = {
        "event_id": events + np.uint64(1),
        "customer_id": customers + np.uint64(1),
    }
    return Decoded(
        Stream.LOGIN, columns=columns, recorded_ms=np.arange(len(sent)), contents=contents
    )


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 6), st.lists(st.lists(_SENT, max_size=12), max_size=8))
def test_like_a_naive_memory(capacity: int, batches: list[list[_Sent]]) -> None:
    """However events are cut: the newest ``capacity`` distinct ones are repeats or conflicts."""
    ids, naive = EventIds(capacity), OrderedDict[_Sent, None]()
    for sent in batches:
        expected, forgotten = [], 0
        for each in sent:
            if each in naive:
                expected.append(REPEAT)
                continue
            known = any(each[:2] == other[:2] for other in naive)
            expected.append(CONFLICT if known else FIRST)
            naive[each] = None
            if len(naive) > capacity:
                naive.popitem(last=False)
                forgotten += 1
        found, lost = ids.add(_decoded(sent))
        assert (found.tolist(), lost) == (expected, forgotten)
        restored = EventIds(capacity)
        restored.restore(ids.snapshot())
        assert restored.snapshot() == ids.snapshot()
        ids = restored


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.lists(_SENT, max_size=20))
def test_another_capacity_keeps_the_newest(before: int, after: int, sent: list[_Sent]) -> None:
    """What no longer fits is forgotten, oldest first, and counted."""
    ids = EventIds(before)
    ids.add(_decoded(sent))
    held = min(len(set(sent)), before)
    same = EventIds(before)
    same.restore(ids.snapshot())
    assert ids.resize(after) == max(0, held - after)
    for each in sent:
        still, known = _is_known(ids, after, each), _is_known(same, before, each)
        assert still <= known


def _is_known(ids: EventIds, capacity: int, sent: _Sent) -> bool:
    other = EventIds(capacity)
    other.restore(ids.snapshot())
    return bool(other.add(_decoded([sent]))[0][0] == REPEAT)


def test_an_id_with_endless_contents_fills_no_memory() -> None:
    """Beyond eight contents all are conflicts, also when they come again; others stay known."""
    ids = EventIds(10)
    ids.add(_decoded([(1, 0, 0), *((2, 0, content) for content in range(100))]))
    found, _ = ids.add(_decoded([(1, 0, 0), (2, 0, 7), (2, 0, 8), (2, 0, 99)]))
    assert found.tolist() == [REPEAT, REPEAT, CONFLICT, CONFLICT]


LIMITS = Limits(
    lateness_ms=0,
    future_skew_ms=2_000_000_000_000,
    max_value_bytes=100_000,
    remembered_events=100,
    base_currency="CNY",
    rates={"CNY": 1.0, "USD": 7.0},
)
PAYMENT = (
    '{"event_id":"E","event_time":1700000000000,"customer_id":"C","kind":"transfer","direction":"debit",'
    '"amount":1.0,"status":"approved","counterparty_id":"P"}'
)


@pytest.mark.parametrize(
    ("again", "what"),
    [
        (PAYMENT, REPEAT),
        (PAYMENT.replace('"amount":1.0', '"amount":"1.00"'), REPEAT),
        (PAYMENT.replace('"event_id":"E",', '"exported":"today", "event_id":"\\u0045",'), REPEAT),
        (PAYMENT.replace("}", ',"currency":"CNY","country":null}'), REPEAT),
        (PAYMENT.replace("1.0", "9000000.0"), CONFLICT),
        (PAYMENT.replace('"P"', '"Q"'), CONFLICT),
        (PAYMENT.replace("transfer", "card"), CONFLICT),
        (PAYMENT.replace("}", ',"currency":"USD"}'), CONFLICT),
        (PAYMENT.replace('"event_time":17', '"event_time":16'), CONFLICT),
        (PAYMENT.replace('"C"', '"D"'), FIRST),
    ],
)
def test_the_same_again_is_what_says_the_same(again: str, what: int) -> None:
    """However it is spelled; whatever differs in a field of the event is another event."""
    values = [PAYMENT.encode(), again.encode()]
    chunk = Chunk(Stream.TRANSACTION, "t", 0, [0, 1], [1, 1], [None, None], [*values])
    decoded = decode(Stream.TRANSACTION, [chunk], LIMITS, frozenset())
    assert not decoded.dead_letters
    assert EventIds(9).add(decoded)[0].tolist() == [FIRST, what]


def test_a_conflict_has_an_id_of_its_own() -> None:
    """Alerts, labels and verdicts tell it from the event whose id it took."""
    values = [PAYMENT.encode(), PAYMENT.replace("1.0", "2.0").encode()]
    chunk = Chunk(Stream.TRANSACTION, "t", 0, [0, 1], [1, 1], [None, None], [*values])
    decoded = decode(Stream.TRANSACTION, [chunk], LIMITS, frozenset({"amount"}))
    renamed = decoded.renamed(EventIds(9).add(decoded)[0] == CONFLICT, PLAIN)
    first, second = (event.event_id for event in renamed.events)
    assert (first, second[:2], len(second)) == ("E", "E~", 10)
    assert renamed.columns["event_id"].tolist() == [PLAIN.text(first), PLAIN.text(second)]
    assert [event.event_id for event in renamed.events[:]] == [first, second]
    assert renamed.columns["amount"].tolist() == [1.0, 2.0]
    assert renamed.only(np.array([False, True])).events[0].event_id == second
