"""The loop-back: one engine that owns everything says what two shards and their owners say."""

from functools import cache

import msgspec

from sentinel.engine import Configuration, Engine
from sentinel.entities import records
from sentinel.model.alert import Alert
from sentinel.model.events import Login, Stream
from sentinel.model.ids import PLAIN
from sentinel.model.response import Control
from sentinel.model.step import Chunk, Step
from sentinel.replay.loop import LoopBack, by_pane
from sentinel.settings import read_configuration

START_MS = 1_767_600_000_000


@cache
def _configuration() -> Configuration:
    return read_configuration(None)


def _logins(count: int, *, success: bool = False, start: int = 0) -> list[Login]:
    return [
        Login(
            event_id=f"l{number}",
            event_time=START_MS + number * 1_000,
            customer_id=f"C{number}",
            kind="login",
            success=success,
            ip="10.0.0.1",
        )
        for number in range(start, start + count)
    ]


def _step(logins: list[Login]) -> Step:
    times = [int(each.event_time) for each in logins]  # type: ignore[arg-type]
    n, values = len(logins), [msgspec.json.encode(each) for each in logins]
    chunk = Chunk(Stream.LOGIN, "l", 0, list(range(n)), times, [None] * n, [*values])
    return Step(max(times), [chunk])


def _rules(alerts: list[Alert], kind: str) -> set[str]:
    return {
        reason.rule_id for alert in alerts if alert.entity.kind == kind for reason in alert.reasons
    }


def test_an_attack_is_an_alert_and_what_follows_it_knows() -> None:
    """Failures make the address risky; from the next step on customers' rules see it."""
    engine = LoopBack(Engine(_configuration()))
    attack = engine.process(_step(_logins(70)))
    assert "shared.credential-stuffing" in _rules(attack.emitted.alerts, "ip")
    assert attack.counts.signals["shared.credential-stuffing", "live"] > 0
    follows = engine.process(_step(_logins(3, success=True, start=70)))
    assert "shared.login-from-hot-address" in _rules(follows.emitted.alerts, "customer")


def test_two_shards_with_owners_say_what_one_engine_says() -> None:
    """The alert of the address has the same id, whoever owns it and wherever customers live."""
    alone = LoopBack(Engine(_configuration()))
    expected = [
        a for step in by_pane(_step(_logins(70))) for a in alone.process(step).emitted.alerts
    ]
    shards, alerts = [Engine(_configuration()) for _ in range(2)], list[Alert]()
    for step in by_pane(_step(_logins(70))):
        logins = [msgspec.json.decode(v or b"", type=Login) for v in step.chunks[0].values]
        told: list[list[bytes]] = [[], []]
        for number, shard in enumerate(shards):
            mine = [each for each in logins if PLAIN.text(each.customer_id) % 2 == number]
            outcome = shard.process(_step(mine) if mine else Step(step.stream_ms, []))
            for target, value in records(
                outcome.emitted.rollups, number, 2, outcome.emitted.progress
            ):
                told[target].append(value)
        for shard, values in zip(shards, told, strict=True):
            n = len(values)
            chunk = Chunk(Control.ROLLUP, "r", 0, list(range(n)), [0] * n, [None] * n, [*values])
            alerts += shard.process(Step(step.stream_ms, [chunk])).emitted.alerts
    ids = {alert.alert_id for alert in alerts if alert.entity.kind == "ip"}
    assert ids == {alert.alert_id for alert in expected if alert.entity.kind == "ip"}
    assert len(ids) == 1


def test_an_engine_goes_on_from_a_snapshot_in_the_middle_of_an_attack() -> None:
    """Entities, what was said of them and entity risks are part of the state."""
    whole = LoopBack(Engine(_configuration()))
    steps = list(by_pane(_step(_logins(90))))
    for step in steps[:6]:
        whole.process(step)
    restored = Engine(_configuration())
    restored.restore(whole.engine.snapshot())
    other = LoopBack(restored)
    for step in steps[6:]:
        assert other.process(step).emitted.alerts == whole.process(step).emitted.alerts
    assert restored.digest() == whole.engine.digest()


def test_a_step_is_cut_where_panes_begin() -> None:
    """Every record once, in its order; a step without records stays as it is."""
    step = _step(_logins(25, start=7))
    parts = list(by_pane(step))
    assert [len(part.chunks[0].offsets) for part in parts] == [3, 10, 10, 2]
    assert [offset for part in parts for offset in part.chunks[0].offsets] == list(range(25))
    assert list(by_pane(Step(5, []))) == [Step(5, [])]


def test_the_size_of_a_step_changes_nothing() -> None:
    """An attack and those who log in from its address after: in one step, or in many."""
    logins = [*_logins(70), *_logins(20, success=True, start=70)]
    whole = LoopBack(Engine(_configuration())).process(_step(logins)).emitted.alerts
    cut = LoopBack(Engine(_configuration()))
    parts = [
        alert
        for start in range(0, 90, 7)
        for alert in cut.process(_step(logins[start : start + 7])).emitted.alerts
    ]
    assert "shared.login-from-hot-address" in _rules(whole, "customer")
    ids = [{(a.alert_id, a.revision, a.score) for a in alerts} for alerts in (whole, parts)]
    assert ids[0] == ids[1]
