"""Rows of outages: what was appended while no worker ran gives the alerts of an undisturbed run.

A bank lives for hours or days without a worker: attacks go on, people answer the alerts that they
would have, and silence some. All of it is appended with the timestamps of its own time. Then
workers start, and are perhaps killed while they catch up.
"""

import signal
from collections.abc import Iterator
from random import Random

import msgspec
from tests.abuse.hostile import MAKERS, hostile
from tests.faults.ledger import Fed
from tests.faults.scene import Appended, Lab, Result, Scene
from tests.faults.undisturbed import by_shard, early_escalations, undisturbed

from sentinel.kafka.configurations import write_key
from sentinel.model.alert import Alert, AlertState
from sentinel.model.events import Stream
from sentinel.model.response import Control, Response, ResponseKind, Silence, Verdict
from sentinel.settings import read_configuration
from sentinel.simulate.simulation import Simulation, time_ms

_HOUR_MS = 3_600_000
_CUSTOMERS = 150
_ATTACKS = 40
_HISTORY_DAYS = 1.5
_PARTITIONS = 3
_STEPS = 1  # of each shard between two kills
_CYCLE_S = 60.0
_HOSTILE = 0.1  # records for each good one


def outage(
    name: str, hours: float, lab: Lab, seed: int, repeats: int, *, is_hostile: bool = False
) -> Result:
    """Nobody works for ``hours``; then a worker catches up, killed ``repeats`` - 1 times.

    ``is_hostile`` puts records between the others that must change nothing.
    """
    with _scene(name, lab, seed) as scene:
        _miss(scene, seed, hours, is_hostile=is_hostile)
        scene.workers.add()
        ok = True
        for _ in range(repeats - 1):
            ends = scene.journal_ends()
            ok &= scene.wait(lambda ends=ends: _got_on(scene, ends), _CYCLE_S)  # type: ignore[misc]
            scene.workers.send(0, signal.SIGKILL)
        return _finish(scene, repeats, ok)


def partial(lab: Lab, seed: int, repeats: int) -> Result:
    """One of two workers catches up; the other joins in the middle and takes shards over."""
    with _scene("outage_partial", lab, seed) as scene:
        _miss(scene, seed, 2)
        scene.workers.add()
        ends = scene.journal_ends()
        ok = scene.wait(lambda: _got_on(scene, ends), _CYCLE_S)
        scene.workers.add()
        return _finish(scene, repeats, ok)


def _scene(name: str, lab: Lab, seed: int) -> Scene:
    return lab.scene(
        name, seed, workers=0, partitions=_PARTITIONS, logins=True, timestamps="CreateTime"
    )


def _got_on(scene: Scene, before: list[int]) -> bool:
    """Whether the shards have processed steps since, or all; a step is a record and its commit."""
    steps = sum(scene.journal_ends()) - sum(before)
    return steps >= 2 * _STEPS * len(before) or scene.stage.everything_applied()


def _miss(scene: Scene, seed: int, hours: float, *, is_hostile: bool = False) -> None:
    """Feed a bank's life and the hours that nobody sees, with the answers given in them."""
    now_ms = scene.now_ms()
    start_ms = now_ms - round(hours * _HOUR_MS)
    simulation = Simulation(
        customers=_CUSTOMERS,
        seed=seed,
        start_ms=start_ms,
        days=hours / 24,
        history_days=_HISTORY_DAYS,
        attacks_per_day=_ATTACKS * 24 / hours,
    )
    life: list[tuple[int, Fed]] = []
    for stream, event, _ in simulation:
        if time_ms(event) < now_ms:
            fed: Fed = (stream, event.customer_id, msgspec.json.encode(event))
            life.append((time_ms(event), fed))
    half_ms = start_ms + round(hours * _HOUR_MS / 2)
    write_key(scene.stage.settings)  # no worker has yet
    known = undisturbed(
        scene.stage.keyed(read_configuration(None)),
        scene.stage.partitions,
        by_shard([each for each in life if each[0] < half_ms], scene.stage.partitions),
    )
    life += _responses(known, half_ms, now_ms)
    life.sort(key=lambda each: each[0])
    records = [Appended(at_ms, *fed) for at_ms, fed in life]
    scene.feed_at(_among(records, seed, now_ms) if is_hostile else records)


def _among(good: list[Appended], seed: int, now_ms: int) -> Iterator[Appended]:
    """The records with hostile ones of all topics in between, half of the events dated now."""
    draw = Random(seed)
    values = [each.value for each in good if each.value]
    mills = {
        source: hostile(source, draw, values if source in Stream else [], now_ms)
        for source in MAKERS
    }
    for record in good:
        yield record
        if draw.random() < _HOSTILE:
            source = draw.choice([record.source, *(each for each in mills if each in Control)])
            forged = source is record.source and source in Stream and draw.random() < 0.5
            at_ms = now_ms if forged else record.timestamp_ms
            yield Appended(at_ms, source, f"K{draw.random()}", next(mills[source]), is_hostile=True)


def _responses(known: list[Alert], from_ms: int, until_ms: int) -> Iterator[tuple[int, Fed]]:
    """What people do with the alerts that they know, spread over a time; and a silence."""
    newest = {alert.alert_id: alert for alert in known}
    firing = [each for each in newest.values() if each.state is AlertState.FIRING]
    for number, alert in enumerate(firing):
        at_ms = from_ms + (until_ms - from_ms) * (number + 1) // (len(firing) + 1)
        response = Response(
            response_id=f"r{number}",
            event_time=at_ms,
            key=alert.key,
            alert_id=alert.alert_id,
            kind=(ResponseKind.ACKNOWLEDGE, ResponseKind.DISPOSITION)[number % 2],
            actor="li.wei",
            verdict=(Verdict.CONFIRMED, Verdict.FALSE_POSITIVE)[number // 2 % 2],
        )
        yield at_ms, (Control.RESPONSE, alert.key, msgspec.json.encode(response))
    silence = Silence(
        silence_id="night",
        matchers=('risk="legal"',),
        starts_at=from_ms,
        ends_at=until_ms + _HOUR_MS,
        created_by="li.wei",
        comment="made in the outage",
    )
    yield from_ms, (Control.SILENCE, "night", msgspec.json.encode(silence))


def _finish(scene: Scene, faults: int, ok: bool) -> Result:
    result = scene.finish(faults, complaint="" if ok else "it did not get on", undisturbed=True)
    counts = result.verdict.counts
    for dropped in ("stale signals", "late rollups"):
        if counts[dropped]:
            result.complaint += f" {counts[dropped]} {dropped}"
    values = [each.value() for each in scene.stage.read(scene.stage.topics.alerts)]
    early = early_escalations(values)
    if early:
        result.complaint += f" {early} escalated before they were written"
    result.note = f"{counts['undisturbed']} alerts as in an undisturbed run"
    return result
