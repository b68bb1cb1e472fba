"""``sentinel`` as a process that is there in milliseconds: forked from a warm one.

A forked process dies, is stopped and exits as a started one does; it only has not to import and
compile anew, which takes seconds of a core.  All that one zygote forks has the same seed of
hashes; tests that start a process again take it from the other one (:func:`zygote`), so that an
order of a set that gets into a result shows itself at each run.

The warm process reads an order a line, and prints ``born PID`` and ``dead PID CODE``.
"""

import contextlib
import functools
import itertools
import json
import os
import pkgutil
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

_ROOT = Path(__file__).parents[1]
_START_S = 120.0
_SEEDS = ("1", "2")
_PLAIN = {"PATH": "/usr/bin:/bin", "NO_COLOR": "1"}
_turn = itertools.cycle(_SEEDS)


@dataclass(frozen=True)
class Call:
    """What a process calls before it becomes ``sentinel``: ``module:function`` with a text."""

    function: str
    argument: str


class Forked:
    """A process that a zygote has forked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None  # as of subprocess: minus the signal's number if killed
        self._over = threading.Event()
        self._lock = threading.Lock()

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens where the process has ended."""
        with self._lock, contextlib.suppress(ProcessLookupError):
            if self.code is None:
                os.kill(self.pid, number)

    def wait(self, timeout_s: float) -> int:
        """Wait for the end; returns the exit code, raises TimeoutError."""
        if not self._over.wait(timeout_s):
            raise TimeoutError(f"process {self.pid} has not ended in {timeout_s:.0f} s")
        assert self.code is not None
        return self.code

    def ended(self, code: int) -> None:
        """Take note of the end."""
        with self._lock:
            self.code = code
        self._over.set()


class Zygote:
    """The warm process of which others are forked."""

    def __init__(self, hash_seed: str) -> None:
        self._born: Queue[Forked] = Queue()
        self._alive: dict[int, Forked] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def fork(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        out: Path,
        errors: Path,
        *,
        before: Sequence[Call] = (),
        stdin: Path = Path(os.devnull),
    ) -> Forked:
        """Start ``sentinel ARGUMENTS``; of this process's own environment it sees nothing."""
        order = {
            "arguments": list(arguments),
            "environment": _PLAIN | dict(environment),
            "out": str(out),
            "errors": str(errors),
            "before": [(each.function, each.argument) for each in before],
            "in": str(stdin),
            "cwd": str(Path.cwd()),
        }
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return self._born.get(timeout=_START_S)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, pid, *code = line.split()
            if word == "born":
                forked = self._alive[int(pid)] = Forked(int(pid))
                self._born.put(forked)
            else:
                self._alive.pop(int(pid)).ended(int(code[0]))


@functools.cache
def _of_seed(hash_seed: str) -> Zygote:
    """One a test process and seed; it ends with the test process, whose pipe it reads."""
    return Zygote(hash_seed)


def zygote() -> Zygote:
    """One of the zygotes of this test process, in turn."""
    return _of_seed(next(_turn))


def run(
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    given: str = "",
    timeout_s: float = 180.0,
) -> subprocess.CompletedProcess[str]:
    """``sentinel ARGUMENTS`` to its end, with a text on stdin."""
    words = [str(each) for each in arguments]
    with tempfile.TemporaryDirectory(prefix="sentinel-run-") as folder:
        stdin, out, errors = (Path(folder, name) for name in ("in", "out", "errors"))
        stdin.write_text(given)
        forked = zygote().fork(words, environment or {}, out, errors, stdin=stdin)
        code = forked.wait(timeout_s)
        return subprocess.CompletedProcess(words, code, out.read_text(), errors.read_text())


def _become(order: dict[str, Any]) -> None:
    """Run ``sentinel`` in this process to its end; never returns."""
    os.setpgid(0, 0)
    files = [os.open(order["in"], os.O_RDONLY)]
    files += [
        os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND) for name in ("out", "errors")
    ]
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    sys.argv = ["sentinel", *order["arguments"]]
    code = 1
    try:
        for function, argument in order["before"]:
            pkgutil.resolve_name(function)(argument)
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _serve() -> None:
    """Fork a process for each line, and tell of each end."""
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                line = sys.stdin.readline()
                if not line:
                    return
                pid = os.fork()
                if pid == 0:
                    _become(json.loads(line))
                print("born", pid, flush=True)  # noqa: T201
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
            else:
                selector.unregister(key.fileobj)
                os.close(key.fd)
                pid, status = os.waitpid(key.data, 0)
                print("dead", pid, os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    from sentinel.agents import app  # noqa: F401 - all that a worker imports
    from sentinel.cli import main
    from sentinel.engine import warm_up
    from sentinel.settings import read_configuration

    warm_up(read_configuration(None))
    _serve()
