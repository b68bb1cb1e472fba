"""Rows of faults between worker and broker, by the proxy; and of the broker itself."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.faults.proxy import Link
from tests.faults.scene import SESSION_S, Lab, Result
from tests.kafka.broker import Broker
from tests.kafka.jars import BrokerError

_OUTAGE_S = (1.0, 2.0 * SESSION_S)
_DISK_BYTES = 64 << 20
_RECOVER_S = 150.0
_AHEAD_MS = 240_000  # of the clock, more than any outage: no timer takes part


def link(mode: Link, lab: Lab, seed: int, repeats: int) -> Result:
    """The workers' links fail for a while, shorter or longer than the session timeout."""
    name = f"link_{mode}"
    with lab.scene(name, seed, workers=2, proxied=True) as scene:
        lost_before = lab.proxy.answers_lost
        with scene.flowing():
            ok = scene.wait(lambda: scene.workers.ready)
            for _ in range(repeats):
                scene.pause(0.5, 2)
                lab.proxy.set(mode)
                scene.pause(*_OUTAGE_S)
                lab.proxy.set(Link.PASS)
                ok &= scene.wait(lambda: scene.workers.any_ready)
        lost = lab.proxy.answers_lost - lost_before
        note, complaint = "", "" if ok else "never ready again"
        if mode is Link.NO_COMMIT_ANSWERS:
            note = f"{lost} commit responses lost"
            complaint += "" if lost else " no commit response was lost"
        note += f"; {scene.workers.deaths} workers ended" if scene.workers.deaths else ""
        return scene.finish(repeats, note.strip("; "), complaint)


def burst(lab: Lab, seed: int, repeats: int) -> Result:
    """A slow consumer and then a burst: all of it waits at the broker, not in the worker."""
    with lab.scene("slow_and_burst", seed, proxied=True) as scene:
        ok = scene.wait(lambda: scene.workers.ready)
        before = scene.workers.peak_bytes()
        for _ in range(repeats):
            lab.proxy.set(Link.SLOW)
            scene.feed(scene.ledger.more(10_000))
            scene.pause(2, 4)
            lab.proxy.set(Link.PASS)
        ok &= scene.wait(scene.stage.everything_applied)
        grown = (scene.workers.peak_bytes() - before) >> 20
        note = f"{10_000 * repeats} events in {repeats} bursts, worker grew by {grown} MiB"
        return scene.finish(repeats, note, "" if ok else "never done")


def broker_kill(lab: Lab, seed: int, repeats: int) -> Result:
    """The broker is killed and started again on the same data, under load."""
    with lab.scene("broker_kill", seed, workers=2, ahead_ms=_AHEAD_MS) as scene:
        with scene.flowing():
            ok = scene.wait(lambda: scene.workers.ready)
            for _ in range(repeats):
                scene.pause(0.5, 2)
                scene.broker.kill()
                scene.pause(0, 3)
                scene.broker.start()
                # Readiness may be from before; only steps prove that they go on.
                before = scene.journal_ends()
                ok &= scene.wait(lambda was=before: scene.beyond(was), _RECOVER_S)  # type: ignore[misc]
        note = f"{scene.workers.deaths} workers ended"
        return scene.finish(repeats, note, "" if ok else "never ready again")


def broker_kill_in_recovery(lab: Lab, seed: int, repeats: int) -> Result:
    """The broker is killed while a worker that was killed before recovers."""
    with lab.scene("broker_kill_in_recovery", seed) as scene:
        with scene.flowing():
            ok = scene.wait(lambda: scene.workers.ready)
            for _ in range(repeats):
                scene.pause(0.5, 2)
                deaths = scene.workers.deaths
                scene.workers.send(0, signal.SIGKILL)
                ok &= scene.wait(lambda before=deaths: scene.workers.deaths > before)  # type: ignore[misc]
                # It joins when the session of its predecessor is over, and recovers then.
                scene.pause(SESSION_S - 0.5, SESSION_S + 1.5)
                scene.broker.kill()
                scene.pause(0, 1)
                scene.broker.start()
                ok &= scene.wait(lambda: scene.workers.ready, _RECOVER_S)
        return scene.finish(repeats, complaint="" if ok else "never ready again")


def disk_full(lab: Lab, seed: int, repeats: int) -> Result:
    """The broker's disk fills up, so that it ends; given room and started again, all goes on."""
    with tempfile.TemporaryDirectory(prefix="sentinel-small-disk-") as name:
        disk = Path(name)
        _root("mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(disk))
        # Its segments are small, for each index file of a segment is as big as it may become.
        small = {"log.index.size.max.bytes": "4096", "log.segment.bytes": "1048576"}
        broker = Broker(folder=disk, properties=small)
        ended = 0
        try:
            with lab.scene("disk_full", seed, broker=broker) as scene:
                ballast = disk / "ballast"
                with scene.flowing():
                    ok = scene.wait(lambda: scene.workers.ready)
                    for _ in range(repeats):
                        scene.pause(0.5, 1)
                        _fill(ballast)
                        ok &= scene.wait(lambda: broker.ended, 60)
                        ended += broker.ended
                        ballast.unlink()
                        broker.kill()
                        broker.start()
                        ok &= scene.wait(lambda: scene.workers.any_ready, _RECOVER_S)
                note = f"tmpfs of {_DISK_BYTES >> 20} MiB; the broker ended {ended} times"
                return scene.finish(repeats, note, "" if ok else "broker or worker did not return")
        finally:
            broker.stop()
            _root("umount", str(disk))


def _fill(file: Path) -> None:
    """Take all the room that is left."""
    with file.open("wb", buffering=0) as open_file:
        try:
            while open_file.write(bytes(4096)):
                pass
        except OSError:
            return


def _root(*command: str) -> None:
    as_root = () if os.getuid() == 0 else ("sudo",)
    done = subprocess.run([*as_root, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BrokerError(f"{' '.join(command)}: {done.stderr}")
