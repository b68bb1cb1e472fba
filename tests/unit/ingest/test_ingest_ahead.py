"""Reading ahead: an event is collected once and processed once, whichever was first."""

import msgspec

from sentinel.ingest import CONFLICT, NEVER, REPEAT, Ahead, Decoded, EventIds, Limits, decode
from sentinel.model.events import Login, Stream
from sentinel.model.ids import PLAIN
from sentinel.model.step import Chunk

FIRST = 1
LIMITS = Limits(
    lateness_ms=3_600_000,
    future_skew_ms=2_000_000_000_000,
    max_value_bytes=100_000,
    remembered_events=100,
    base_currency="CNY",
    rates={"CNY": 1.0},
)


def _chunk(first: int, *ids: str) -> Chunk:
    """Logins with these ids, at consecutive offsets; an empty id is no event."""
    values = [
        msgspec.json.encode(
            Login(
                event_id=each,
                event_time=1_700_000_000_000,
                customer_id="c",
                kind="login",
                success=True,
            )
        )
        if each
        else b"{"
        for each in ids
    ]
    n, offsets = len(ids), list(range(first, first + len(ids)))
    return Chunk(Stream.LOGIN, "t", 0, offsets, offsets, [None] * n, [*values])


def _decoded(chunk: Chunk) -> Decoded:
    return decode(Stream.LOGIN, [chunk], LIMITS, frozenset(), with_offsets=True)


def _ids(part: Decoded) -> list[str]:
    return [event.event_id for event in part.events]


def test_what_was_read_ahead_is_judged_once() -> None:
    """A repeat stays a repeat when it is processed; what was not read ahead is fresh."""
    ahead, ids = Ahead(), EventIds(100)
    assert (ahead.offset(Stream.LOGIN), ahead.reached_ms(Stream.LOGIN)) == (-1, NEVER)
    first = _chunk(5, "a", "b", "a", "", "c")
    noted = ahead.note(Stream.LOGIN, [first], _decoded(first), ids, NEVER, None, PLAIN)
    assert _ids(noted) == ["a", "b", "c"]
    assert (ahead.offset(Stream.LOGIN), ahead.covers(Stream.LOGIN, [_chunk(10, "x")])) == (9, False)
    assert ahead.covers(Stream.LOGIN, [_chunk(9, "x")])
    again = _decoded(_chunk(5, "a", "b", "a", "", "c", "d", "b"))
    found, fresh, forgotten = ahead.judge(Stream.LOGIN, again, ids)
    assert found.tolist() == [FIRST, FIRST, REPEAT, FIRST, FIRST, REPEAT]
    assert fresh.tolist() == [False, False, False, False, True, True]
    assert forgotten == 0


def test_it_goes_on_from_its_snapshot() -> None:
    """Positions and repeats are kept, and what is processed is forgotten."""
    ahead, ids = Ahead(), EventIds(100)
    first = _chunk(0, "a", "a", "b")
    ahead.note(Stream.LOGIN, [first], _decoded(first), ids, NEVER, None, PLAIN)
    other = Ahead()
    other.restore(ahead.snapshot())
    assert other.snapshot() == ahead.snapshot()
    found, *_ = other.judge(Stream.LOGIN, _decoded(first), ids)
    assert found.tolist() == [FIRST, REPEAT, FIRST]
    assert other.snapshot() != ahead.snapshot()


def test_a_conflict_is_one_when_it_is_processed_too() -> None:
    """What was read ahead under another event's id has its own name both times."""
    ahead, ids = Ahead(), EventIds(100)
    first = _chunk(0, "a", "b", "a")
    first.values[2] = (first.values[2] or b"").replace(b"true", b"false")
    told = ahead.note(Stream.LOGIN, [first], _decoded(first), ids, NEVER, None, PLAIN)
    found, *_ = ahead.judge(Stream.LOGIN, _decoded(first), ids)
    assert found.tolist() == [FIRST, FIRST, CONFLICT]
    assert _ids(told) == _ids(_decoded(first).renamed(found == CONFLICT, PLAIN))
    assert len(set(_ids(told))) == 3


def test_what_was_read_ahead_together_need_not_be_decoded_again() -> None:
    """The very part comes back, once; after other cuts, or by another clock, it is decoded."""
    ahead, ids = Ahead(), EventIds(100)
    first, second = _chunk(0, "a", "b"), _chunk(2, "c")
    part, other = _decoded(first), _decoded(second)
    ahead.note(Stream.LOGIN, [first], part, ids, NEVER, 10, PLAIN)
    ahead.note(Stream.LOGIN, [second], other, ids, NEVER, 10, PLAIN)
    assert ahead.drain(Stream.LOGIN, [_chunk(0, "a")], NEVER, 10) is None
    assert ahead.drain(Stream.LOGIN, [first], 0, 10) is None  # another record came before it
    ahead.note(Stream.LOGIN, [first], part, ids, NEVER, 10, PLAIN)
    assert ahead.drain(Stream.LOGIN, [first], NEVER, 10) is part
    assert ahead.drain(Stream.LOGIN, [first], NEVER, 10) is None
    assert ahead.drain(Stream.LOGIN, [second], NEVER, 1) is None  # the clock was set back behind it
    ahead.note(Stream.LOGIN, [_chunk(3, "d")], _decoded(_chunk(3, "d")), ids, NEVER, 2, PLAIN)
    assert ahead.drain(Stream.LOGIN, [_chunk(3, "d")], NEVER, 10) is None  # it was beyond the clock


def test_what_is_kept_is_forgotten_with_its_declarations_and_by_a_snapshot() -> None:
    """Then it is decoded again."""
    ahead, ids, first = Ahead(), EventIds(100), _chunk(0, "a")
    ahead.note(Stream.LOGIN, [first], _decoded(first), ids, NEVER, None, PLAIN)
    ahead.forget_kept()
    assert ahead.drain(Stream.LOGIN, [first], NEVER, None) is None
    ahead.note(Stream.LOGIN, [first], _decoded(first), ids, NEVER, None, PLAIN)
    ahead.restore(ahead.snapshot())
    assert ahead.drain(Stream.LOGIN, [first], NEVER, None) is None
