"""Rows of faults in what comes in, each with a kill -9 in the middle of it."""

import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.faults.ledger import Fed, spoiled
from tests.faults.scene import Lab, Result, Scene

from sentinel.alerting.cloudevent import decode as decode_alert
from sentinel.model.alert import Change
from sentinel.settings import read_configuration, shipped_configs

_HOUR_MS = 3_600_000
_MILLION = 1_000_000


def _killed_between(scene: Scene, parts: list[list[Fed]]) -> bool:
    """Feed part by part and kill the worker in the middle of each."""
    ok = scene.wait(lambda: scene.workers.ready)
    for part in parts:
        scene.feed(part)
        scene.pause(0.05, 0.4)
        scene.workers.send(0, signal.SIGKILL)
        scene.wait(lambda: scene.workers.any_ready)
    return ok


def poison(lab: Lab, seed: int, repeats: int) -> Result:
    """As many broken messages as good ones, of many kinds: each in the dead letters, whole."""
    with lab.scene("poison", seed) as scene:
        parts, bad = [], 0
        for _ in range(repeats):
            good = scene.ledger.more(1_000)
            broken = [spoiled(scene.draw, good) for _ in good]  # type: ignore[arg-type]
            part: list[Fed] = [(stream, f"k{n}", value) for n, (stream, value) in enumerate(broken)]
            scene.ledger.add(part)
            bad += len(part)
            part += good
            scene.draw.shuffle(part)
            parts.append(part)
        scene.ledger.logins = True  # shuffled: where it is cut has a say in the alerts
        ok = _killed_between(scene, parts)
        result = scene.finish(len(parts), complaint="" if ok else "never ready")
        found = result.verdict.counts["letters"]
        result.verdict.lost += Counter({"letters": bad - found})
        result.verdict.phantom += Counter({"letters": found - bad})
        return result


def shuffled(lab: Lab, seed: int, repeats: int) -> Result:
    """Events in any order, one in ten two hours late."""
    with lab.scene("late_shuffled", seed, logins=True) as scene:
        parts = []
        for _ in range(repeats):
            part = scene.ledger.more(
                2_000, lambda draw: -2 * _HOUR_MS if draw.random() < 0.1 else 0
            )
            scene.draw.shuffle(part)
            parts.append(part)
        ok = _killed_between(scene, parts)
        return scene.finish(len(parts), complaint="" if ok else "never ready")


def skew(lab: Lab, seed: int, repeats: int) -> Result:
    """Clocks of producers an hour wrong, either way; what is of the future is put aside."""
    with lab.scene("clock_skew", seed, logins=True) as scene:
        parts = [
            scene.ledger.more(2_000, lambda draw: draw.choice([-_HOUR_MS, 0, 0, _HOUR_MS]))
            for _ in range(repeats)
        ]
        ok = _killed_between(scene, parts)
        result = scene.finish(len(parts), complaint="" if ok else "never ready")
        if not result.verdict.counts["letters"]:
            result.complaint = "nothing was of the future"
        return result


def timers(lab: Lab, seed: int, repeats: int) -> Result:
    """Alerts are due to escalate while nobody runs: they do, once, when a worker is back."""
    with tempfile.TemporaryDirectory(prefix="sentinel-configs-") as folder:
        configs = Path(folder) / "configs"
        shutil.copytree(shipped_configs(), configs)
        tiers = configs / "tiers.yaml"
        text = tiers.read_text("utf-8")
        soon = "unanswered: 4s"
        tiers.write_text(text.replace("unanswered: 1h", soon), "utf-8")
        assert read_configuration(configs).version != read_configuration(None).version
        with lab.scene("timers_downtime", seed, logins=True, ahead_ms=0, configs=configs) as scene:
            ok = scene.wait(lambda: scene.workers.ready)
            before = raised = 0
            for _ in range(repeats):
                scene.feed(scene.ledger.more(500))
                ok &= scene.wait(scene.stage.everything_applied)
                scene.workers.remove(signal.SIGKILL)
                before = _escalated(scene)
                time.sleep(5)
                scene.workers.add()
                ok &= scene.wait(lambda seen=before: _escalated(scene) > seen)  # type: ignore[misc]
                raised += _escalated(scene) - before
            note = f"{raised} escalations were due in the downtime"
            return scene.finish(repeats, note, "" if ok else "nothing escalated")


def _escalated(scene: Scene) -> int:
    alerts = [decode_alert(each.value()) for each in scene.stage.read(scene.stage.topics.alerts)]
    return sum(alert.change is Change.ESCALATED for alert in alerts)


def customers(zipf: float | None, lab: Lab, seed: int, repeats: int) -> Result:
    """A million customers, uniform or by Zipf's law: memory, and seconds of a cold restart."""
    name = "customers_zipf" if zipf else "customers_uniform"
    with lab.scene(
        name,
        seed,
        logins=False,
        customers=_MILLION,
        environment={"SENTINEL_MAX_POLL_RECORDS": "20000"},
    ) as scene:
        scene.ledger.spacing_us = 100
        for _ in range(0, _MILLION, 50_000):
            scene.feed(scene.ledger.more(50_000, zipf=zipf))
        ok = scene.wait(scene.stage.everything_applied, 300)
        peak = scene.workers.peak_bytes() >> 20
        for _ in range(repeats):
            scene.workers.send(0, signal.SIGKILL)
            ok &= scene.wait(lambda: not scene.workers.ready)
            ok &= scene.wait(lambda: scene.workers.ready, 300)
        peak = max(peak, scene.workers.peak_bytes() >> 20)
        return scene.finish(repeats, f"peak {peak} MiB", "" if ok else "not in time")
