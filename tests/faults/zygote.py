"""Workers to kill: a warm process that forks ``sentinel worker`` for each line on stdin.

A line is a JSON object of environment, log file, mutation, and whether a failpoint stops the worker
(SIGSTOP) in place of killing it.  It prints ``born PID``, and
``dead PID CODE`` when a worker has ended.  A forked worker dies as a started one does, and is
there without importing and compiling anew.
"""

import json
import os
import selectors
import signal
import sys
from types import SimpleNamespace
from typing import Any

from tests.faults.mutations import MUTATIONS

from sentinel.cli.worker import worker
from sentinel.engine import warm_up
from sentinel.settings import read_configuration
from sentinel.stream import failpoint

_TICK_S = 0.02


def _become_worker(order: dict[str, Any]) -> None:
    """Run a worker in this process to its end; never returns."""
    os.setpgid(0, 0)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    for file, number in ((null, 0), (log, 1), (log, 2)):
        os.dup2(file, number)
    for name in [name for name in os.environ if name.startswith("SENTINEL_")]:
        del os.environ[name]
    os.environ.update(order["environment"])
    sys.argv = ["sentinel", "worker"]
    if order["stops"]:
        failpoint.signal = SimpleNamespace(SIGKILL=signal.SIGSTOP)  # type: ignore[assignment, attr-defined]
    code = 1
    try:
        if order["mutation"]:
            MUTATIONS[order["mutation"]].put_back()
        worker()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Fork a worker for each line, and tell of each end."""
    warm_up(read_configuration(None))
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    alive: set[int] = set()
    while True:
        for _ in selector.select(_TICK_S):
            line = sys.stdin.readline()
            if not line:
                return
            pid = os.fork()
            if pid == 0:
                _become_worker(json.loads(line))
            alive.add(pid)
            print("born", pid, flush=True)  # noqa: T201
        for pid in list(alive):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                alive.discard(pid)
                print("dead", pid, os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
