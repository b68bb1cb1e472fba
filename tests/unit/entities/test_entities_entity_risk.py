"""Risky entities: how long they count, and that neither end grows without bound."""

import msgspec
import numpy as np
import pytest

from sentinel.entities import EntityRiskCache, EntityRiskSender, entity_risk
from sentinel.entities.shard_reports import EVERYTHING, GIVE_UP_MS, LONGEST_WAIT_MS, NOTHING
from sentinel.model.columns import Batch, Rows
from sentinel.model.entity import EntityKind
from sentinel.model.events import Stream
from sentinel.model.ids import PLAIN
from sentinel.model.response import Control
from sentinel.model.rollup import BEHIND_MS, EntityRisk, EntityRiskProgress
from sentinel.model.step import Chunk, Limit, RollupDrop

DEMAND = {stream: frozenset({"ip.risk"}) for stream in Stream}


def _entry(id_: str, risk: int, at: int) -> EntityRisk:
    return EntityRisk(kind=EntityKind.IP, id=id_, risk=risk, at=at)


def _told(entity_risk_cache: EntityRiskCache, *values: EntityRisk | bytes) -> None:
    entity_risk_cache.read(_chunk(*values))


def _chunk(*values: EntityRisk | bytes) -> list[Chunk]:
    raw = [each if isinstance(each, bytes) else msgspec.json.encode(each) for each in values]
    n = len(raw)
    return [
        Chunk(Control.ENTITY_RISK, "entity_risk", 0, list(range(n)), [0] * n, [None] * n, [*raw])
    ]


def _risk(entity_risk_cache: EntityRiskCache, *seen: tuple[str | None, int]) -> list[float]:
    n = len(seen)
    index, times = np.arange(n), np.array([time for _, time in seen])
    rows = Rows(Stream.LOGIN, [None] * n, index, times)  # type: ignore[list-item]
    rows.columns = {"ip": PLAIN.texts([text for text, _ in seen]), "event_time": times}
    zero = np.zeros(n, np.int8)
    batch = Batch(times, zero, np.zeros(n, np.uint64), index, zero > 0, times, {Stream.LOGIN: rows})
    entity_risk_cache.add_to(batch)
    return [float(each) for each in rows.columns["ip.risk"].tolist()]


_WHOLE = {"kind": "ip", "id": "1.2.3.4", "risk": 50, "at": 1_000}
HOSTILE = [
    b"",
    b"{",
    b"\xff",
    b"[" * 10_000,
    b"null",
    *(
        msgspec.json.encode({**_WHOLE, **changed})
        for changed in (
            {"at": "2026-01-01T00:00:00Z"},
            {"at": -1},
            {"at": 1.5},
            {"at": 1 << 62},
            {"risk": 0},
            {"risk": 101},
            {"kind": "planet"},
            {"id": ""},
            {"id": "x" * 129},
        )
    ),
    b'{"kind":"ip","id":"1.2.3.4","risk":50,"at":1' + b"0" * 30 + b"}",
    b'{"owner":0,"owners":1,"until":1' + b"0" * 30 + b"}",
    b'{"owner":0,"owners":1,"until":-5}',
    b'{"owner":1,"owners":1,"until":5}',
    b'{"owner":0,"owners":1}',
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_what_no_owner_writes_is_counted_and_left_out(value: bytes) -> None:
    """The list is as before, and can be saved."""
    entity_risk_cache = EntityRiskCache(DEMAND)
    _told(entity_risk_cache, _entry("a", 80, 10_000))
    before = entity_risk_cache.snapshot()
    _told(entity_risk_cache, value)
    assert entity_risk_cache.dropped == {RollupDrop.MALFORMED: 1}
    assert entity_risk_cache.snapshot() == before


def test_an_entry_counts_in_full_for_two_minutes_then_fades() -> None:
    """By append time; unknown before, after, for others, and where no address is named."""
    entity_risk_cache = EntityRiskCache(DEMAND)
    _told(entity_risk_cache, _entry("a", 80, 1_000_000))
    minutes = [0, 2, 3, -1, 4, 5]
    found = _risk(entity_risk_cache, *(("a", 1_000_000 + m * 60_000) for m in minutes))
    assert found[:3] == [80, 80, 40]
    assert np.isnan(found[3:]).all()
    assert np.isnan(_risk(entity_risk_cache, ("b", 1_000_000), (None, 1_000_000))).all()


def test_each_record_meets_the_newest_entry_of_its_time() -> None:
    """Whichever entry came first: a shard that catches up knows what was risky back then."""
    entity_risk_cache = EntityRiskCache(DEMAND)
    _told(
        entity_risk_cache, _entry("a", 80, 20_000), _entry("a", 30, 1_000), _entry("b", 20, 3_000)
    )
    _told(
        entity_risk_cache,
        b"{}",
        b'{"kind":"ip","id":"a","risk":200,"at":1}',
        b"\xff",
        _entry("b", 20, 3_000),
    )
    _told(
        entity_risk_cache, b'{"owner":2,"owners":2,"until":1}', b'{"owner":-1,"owners":2,"until":1}'
    )
    assert _risk(entity_risk_cache, ("a", 19_999), ("a", 20_000), ("b", 3_000)) == [30, 80, 20]
    assert entity_risk_cache.dropped == {RollupDrop.MALFORMED: 5}
    assert len(entity_risk_cache) == 3


def test_what_has_faded_is_dropped_and_the_rest_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stream time drops what no record can meet; beyond the limit the earliest goes, counted."""
    monkeypatch.setattr(entity_risk, "MOST", 2)
    entity_risk_cache = EntityRiskCache(DEMAND)
    _told(entity_risk_cache, _entry("a", 1, 1_000), _entry("b", 2, 300_000))
    entity_risk_cache.forget_before(300_000)
    assert len(entity_risk_cache) == 1
    _told(entity_risk_cache, _entry("c", 3, 300_001), _entry("d", 4, 300_002))
    assert _risk(entity_risk_cache, ("c", 300_002), ("d", 300_002)) == [3, 4]
    assert entity_risk_cache.limits == {Limit.ENTITY_RISKS: 1}


def _progress(owner: int, until: int) -> bytes:
    return msgspec.json.encode(EntityRiskProgress(owner=owner, owners=2, until=until))


def test_in_an_outage_all_owners_are_waited_for_but_not_for_ever() -> None:
    """Up to the slowest of them; one that tells nothing for a minute is left out."""
    entity_risk_cache, now = EntityRiskCache(DEMAND), 10_000_000
    assert entity_risk_cache.horizon_ms(now) == EVERYTHING
    entity_risk_cache.note_outage(now, now)
    assert entity_risk_cache.horizon_ms(now) == NOTHING
    entity_risk_cache.read(_chunk(_progress(0, 700)), now)
    assert entity_risk_cache.horizon_ms(now) == NOTHING
    entity_risk_cache.read(_chunk(_progress(1, 500)), now + 1)
    entity_risk_cache.note_outage(
        None, now + 1
    )  # over for the owner of rollups, but not for all owners
    assert entity_risk_cache.horizon_ms(now + 1) == 500
    entity_risk_cache.read(_chunk(_progress(0, 900)), now + GIVE_UP_MS + 1)
    assert entity_risk_cache.horizon_ms(now + GIVE_UP_MS + 2) == 900
    entity_risk_cache.read(_chunk(_progress(0, now - BEHIND_MS)), now + GIVE_UP_MS + 2)
    assert entity_risk_cache.horizon_ms(now + GIVE_UP_MS + 3) == EVERYTHING
    entity_risk_cache.note_outage(None, now + GIVE_UP_MS + 3)
    entity_risk_cache.note_outage(2 * now, 2 * now)
    assert entity_risk_cache.horizon_ms(2 * now) == NOTHING
    assert entity_risk_cache.horizon_ms(2 * now + LONGEST_WAIT_MS) == EVERYTHING


def test_a_list_goes_on_from_its_snapshot() -> None:
    """The same risks and the same bytes."""
    one, other = EntityRiskCache(DEMAND), EntityRiskCache(DEMAND)
    _told(one, _entry("a", 80, 2_000), _entry("b", 20, 3_000))
    other.restore(one.snapshot())
    assert _risk(other, ("a", 2_000), ("b", 3_000)) == [80, 20]
    assert other.snapshot() == one.snapshot()


def test_an_owner_says_it_once_and_again_after_half_a_minute() -> None:
    """Sooner only if it is hotter."""
    entity_risk_sender = EntityRiskSender()
    sent = [(50, 0), (50, 10_000), (60, 20_000), (60, 49_999), (60, 50_000), (10, 80_000)]
    assert [entity_risk_sender.note(_entry("a", risk, at)) for risk, at in sent] == [
        True,
        False,
        True,
        False,
        True,
        True,
    ]
    other = EntityRiskSender()
    other.restore(entity_risk_sender.snapshot())
    assert not other.note(_entry("a", 10, 90_000))
    assert other.snapshot() == entity_risk_sender.snapshot()


def test_an_owner_that_is_asked_tells_until_it_is_past_the_question() -> None:
    """At every advance before, and no more after; unasked it tells nothing."""
    entity_risk_sender = EntityRiskSender()
    assert entity_risk_sender.tell(50) is None
    entity_risk_sender.ask(100)
    assert [entity_risk_sender.tell(until) for until in (40, 40, 60, 120, 130)] == [
        40,
        None,
        60,
        120,
        None,
    ]
    entity_risk_sender.ask(100)
    other = EntityRiskSender()
    other.restore(entity_risk_sender.snapshot())
    assert other.owes(130)
    assert other.tell(130) == 130


def test_what_an_owner_said_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the one said longest ago is forgotten, and counted."""
    monkeypatch.setattr(entity_risk, "MOST", 1)
    entity_risk_sender = EntityRiskSender()
    assert entity_risk_sender.note(_entry("a", 5, 1))
    assert entity_risk_sender.note(_entry("b", 5, 1))
    assert entity_risk_sender.note(_entry("a", 5, 1))
    assert entity_risk_sender.limits == {Limit.ENTITY_RISKS: 2}
