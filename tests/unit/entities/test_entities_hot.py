"""Hot entities: how long they count, and that neither end grows without bound."""

import msgspec
import numpy as np
import pytest

from sentinel.entities import Heat, HotList, hot
from sentinel.model.columns import Batch, Rows
from sentinel.model.entity import EntityKind
from sentinel.model.events import Stream
from sentinel.model.ids import hash_texts
from sentinel.model.response import Control
from sentinel.model.rollup import HotEntry
from sentinel.model.step import Chunk, Limit, RollupDrop

DEMAND = {stream: frozenset({"ip.risk"}) for stream in Stream}


def _entry(id_: str, risk: int, at: int) -> HotEntry:
    return HotEntry(kind=EntityKind.IP, id=id_, risk=risk, at=at)


def _told(hot_list: HotList, *values: HotEntry | bytes) -> None:
    raw = [each if isinstance(each, bytes) else msgspec.json.encode(each) for each in values]
    n = len(raw)
    chunk = Chunk(Control.HOT, "hot", 0, list(range(n)), [0] * n, [None] * n, [*raw])
    hot_list.take([chunk])


def _risk(hot_list: HotList, *seen: tuple[str | None, int]) -> list[float]:
    n = len(seen)
    place, times = np.arange(n), np.array([time for _, time in seen])
    rows = Rows(Stream.LOGIN, [None] * n, place, times)  # type: ignore[list-item]
    rows.columns = {"ip": hash_texts([text for text, _ in seen]), "event_time": times}
    zero = np.zeros(n, np.int8)
    batch = Batch(times, zero, np.zeros(n, np.uint64), place, zero > 0, times, {Stream.LOGIN: rows})
    hot_list.add_to(batch)
    return [float(each) for each in rows.columns["ip.risk"].tolist()]


def test_an_entry_counts_in_full_for_two_minutes_then_fades() -> None:
    """By the event's time; unknown when it is gone, for others, and where no address is named."""
    hot_list = HotList(DEMAND)
    _told(hot_list, _entry("a", 80, 1_000_000))
    minutes = [-1, 0, 2, 3, 4, 5]
    found = _risk(hot_list, *(("a", 1_000_000 + m * 60_000) for m in minutes))
    assert found[:4] == [80, 80, 80, 40]
    assert np.isnan(found[4:]).all()
    assert np.isnan(_risk(hot_list, ("b", 1_000_000), (None, 1_000_000))).all()


def test_the_newest_entry_of_an_entity_stands() -> None:
    """An older one that comes later changes nothing; bad records are counted."""
    hot_list = HotList(DEMAND)
    _told(hot_list, _entry("a", 80, 2_000), _entry("a", 30, 1_000), _entry("b", 20, 3_000))
    _told(hot_list, b"{}", b'{"kind":"ip","id":"a","risk":200,"at":1}', b"\xff")
    assert _risk(hot_list, ("a", 2_000), ("b", 3_000)) == [80, 20]
    assert hot_list.take_counts()[0] == {RollupDrop.MALFORMED: 3}


def test_what_has_faded_is_let_go_and_the_rest_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the entry noted longest ago goes, and is counted."""
    monkeypatch.setattr(hot, "MOST", 2)
    hot_list = HotList(DEMAND)
    _told(hot_list, _entry("a", 1, 1_000), _entry("b", 2, 300_000))
    assert len(hot_list) == 1
    _told(hot_list, _entry("c", 3, 300_001), _entry("d", 4, 300_002))
    assert _risk(hot_list, ("c", 300_002), ("d", 300_002)) == [3, 4]
    assert hot_list.take_counts()[1] == {Limit.HOT_ENTITIES: 1}


def test_a_list_goes_on_from_its_snapshot() -> None:
    """The same risks and the same bytes."""
    one, other = HotList(DEMAND), HotList(DEMAND)
    _told(one, _entry("a", 80, 2_000), _entry("b", 20, 3_000))
    other.restore(one.snapshot())
    assert _risk(other, ("a", 2_000), ("b", 3_000)) == [80, 20]
    assert other.snapshot() == one.snapshot()


def test_an_owner_says_it_once_and_again_after_half_a_minute() -> None:
    """Sooner only if it is hotter."""
    heat = Heat()
    said = [(50, 0), (50, 10_000), (60, 20_000), (60, 49_999), (60, 50_000), (10, 80_000)]
    assert [heat.note(_entry("a", risk, at)) for risk, at in said] == [
        True,
        False,
        True,
        False,
        True,
        True,
    ]
    other = Heat()
    other.restore(heat.snapshot())
    assert not other.note(_entry("a", 10, 90_000))
    assert other.snapshot() == heat.snapshot()


def test_what_an_owner_said_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the one said longest ago is forgotten, and counted."""
    monkeypatch.setattr(hot, "MOST", 1)
    heat = Heat()
    assert heat.note(_entry("a", 5, 1))
    assert heat.note(_entry("b", 5, 1))
    assert heat.note(_entry("a", 5, 1))
    assert heat.take_limits() == {Limit.HOT_ENTITIES: 2}
