"""Rows of faults in a worker: killed at a named moment or any, asked to end, failing, stopped."""

import signal
from functools import partial

from tests.faults.scene import Lab, Result, Scene

from sentinel.shard.failpoint import Failpoint

_CYCLE_S = 30.0
_MOST = 8  # times that a failpoint is passed before it fires


def failpoint(name: Failpoint, lab: Lab, seed: int, repeats: int) -> Result:
    """Kill -9 at a failpoint, again and again, under load."""
    # A snapshot is seldom; here, after a few steps.
    often = {"SENTINEL_SNAPSHOT_STEPS": "5"} if name is Failpoint.IN_SNAPSHOT else {}
    with lab.scene(name, seed, environment=often) as scene:
        with scene.flowing():
            # Steps enough that a recovery, too, passes its failpoint as often as it may be told.
            ok = scene.wait(lambda: min(scene.journal_ends()) > 2 * _MOST)
            scene.workers.failpoint = partial(_armed, scene, name, "")
            scene.workers.send(0, signal.SIGKILL)
            ok &= scene.wait(lambda: scene.workers.deaths > repeats, repeats * _CYCLE_S)
            scene.workers.failpoint = lambda: None
            scene.workers.send(0, signal.SIGKILL)
            deaths = scene.workers.deaths
            ok &= scene.wait(lambda: scene.workers.ready)
        return scene.finish(deaths, complaint="" if ok else f"{deaths} deaths only")


def _armed(scene: Scene, name: Failpoint, how: str) -> str:
    return f"{name}:{scene.draw.randint(1, _MOST)}{how}"


def exception(lab: Lab, seed: int, repeats: int) -> Result:
    """An exception in a step's transaction: the worker ends, and its successor goes on."""
    with lab.scene("exception", seed) as scene:
        with scene.flowing():
            scene.workers.failpoint = partial(_armed, scene, Failpoint.IN_TRANSACTION, ":raise")
            scene.workers.send(0, signal.SIGKILL)
            if lab.mutation:  # it swallows the exception, so nobody ends
                scene.wait(lambda: scene.workers.ready)
                scene.pause(3, 4)
            else:
                scene.wait(lambda: scene.workers.deaths > repeats, repeats * _CYCLE_S)
            scene.workers.failpoint = lambda: None
            scene.workers.send(0, signal.SIGKILL)
        return scene.finish(scene.workers.deaths)


def random_kills(lab: Lab, seed: int, repeats: int) -> Result:
    """Kill -9 of any of three workers at any moment, under load."""
    with lab.scene("random_kills", seed, workers=3, partitions=6) as scene:
        with scene.flowing():
            ok = scene.wait(lambda: scene.workers.ready)
            while scene.workers.deaths < repeats:
                scene.pause(0.2, 2.5)
                scene.workers.send(scene.draw.randrange(3), signal.SIGKILL)
            ok &= scene.wait(lambda: scene.workers.any_ready)
        return scene.finish(scene.workers.deaths, complaint="" if ok else "never ready")


def sigterm(lab: Lab, seed: int, repeats: int) -> Result:
    """Asked to end in the middle of the load: exit code 0, and a fresh worker goes on."""
    codes = []
    with lab.scene("sigterm", seed) as scene:
        with scene.flowing():
            for _ in range(repeats):
                scene.wait(lambda: scene.workers.ready)
                scene.pause(0.1, 1.0)
                codes.append(scene.workers.remove())
                scene.workers.add()
        complaint = f"exit codes {codes}" if any(codes) else ""
        return scene.finish(repeats, complaint=complaint)


def sigstop(lab: Lab, seed: int, repeats: int) -> Result:
    """Stopped in a transaction past the session timeout, then continued: fenced, it ends."""
    with lab.scene("sigstop", seed, workers=2) as scene:
        workers = scene.workers
        with scene.flowing():
            ok = scene.wait(lambda: workers.ready)
            for _ in range(repeats):
                workers.failpoint = partial(_armed, scene, Failpoint.IN_TRANSACTION, "")
                workers.failpoint_stops = True
                workers.send(0, signal.SIGKILL)
                ok &= scene.wait(lambda: workers.is_stopped(0))
                workers.failpoint, workers.failpoint_stops = lambda: None, False
                deaths = workers.deaths
                ok &= scene.wait(partial(_reassigned, scene, scene.journal_ends()))
                workers.send(0, signal.SIGCONT)
                ok &= scene.wait(lambda before=deaths: workers.deaths > before, 20)  # type: ignore[misc]
        return scene.finish(repeats, complaint="" if ok else "a zombie did not end")


def _reassigned(scene: Scene, before: list[int]) -> bool:
    """Whether all shards have taken steps since; a step is a record and its commit."""
    pairs = zip(scene.journal_ends(), before, strict=True)
    return all(now >= then + 4 for now, then in pairs)


def storm(lab: Lab, seed: int, repeats: int) -> Result:
    """Two workers, three, two, three: rebalanced all the time under load."""
    codes = []
    with lab.scene("rebalance_storm", seed, workers=2, partitions=6) as scene:
        with scene.flowing():
            ok = scene.wait(lambda: scene.workers.ready)
            for _ in range(repeats):
                scene.workers.add()
                ok &= scene.wait(lambda: scene.workers.ready)
                scene.pause(0, 1)
                codes.append(scene.workers.remove())
                scene.pause(0, 1)
            ok &= scene.wait(lambda: scene.workers.any_ready)
        complaint = f"exit codes {codes}" if any(codes) else ""
        return scene.finish(2 * repeats, complaint=complaint + ("" if ok else "never ready again"))
