"""One to three workers under a tiny supervisor, which starts again those that end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from tests.ports import free_port

_ROOT = Path(__file__).parents[2]
_TICK_S = 0.05
_STOP_S = 60.0


class Zygote:
    """The warm process of which workers are forked."""

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self._born: Queue[int] = Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def fork(
        self, environment: Mapping[str, str], log: Path, mutation: str | None, *, stops: bool
    ) -> int:
        """Start a worker; returns its process id."""
        order = {
            "environment": dict(environment),
            "log": str(log),
            "mutation": mutation,
            "stops": stops,
        }
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return self._born.get(timeout=120)

    def stop(self) -> None:
        """End it; its workers have ended before."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, pid, *code = line.split()
            if word == "born":
                self.codes.pop(int(pid), None)  # another process had this number before
                self._born.put(int(pid))
            else:
                self.codes[int(pid)] = int(code[0])


@dataclass
class _Slot:
    port: int
    pid: int = 0
    ready: bool = False
    down_since: float | None = None  # only a worker that has ended is timed


class Workers:
    """The workers of one run; ``deaths`` counts those that ended unasked.

    ``recoveries`` are the seconds from each death to the ready page of who came after it.
    ``failpoint`` is asked at each start; with ``failpoint_stops`` it is SIGSTOP that comes there.
    """

    def __init__(
        self, zygote: Zygote, environment: Mapping[str, str], log: Path, mutation: str | None
    ) -> None:
        self.deaths = 0
        self.recoveries: list[float] = []
        self.failpoint: Callable[[], str | None] = lambda: None
        self.failpoint_stops = False
        self._zygote, self._environment = zygote, dict(environment)
        self._log, self._mutation = log, mutation
        self._slots: list[_Slot] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def ready(self) -> bool:
        """Whether every worker is ready; one without partitions never is."""
        with self._lock:
            return all(slot.ready for slot in self._slots)

    @property
    def any_ready(self) -> bool:
        """Whether one worker is ready."""
        with self._lock:
            return any(slot.ready for slot in self._slots)

    def add(self) -> None:
        """Start one more worker."""
        slot = _Slot(free_port())
        with self._lock:
            self._start(slot)
            self._slots.append(slot)

    def send(self, index: int, number: signal.Signals) -> None:
        """Send a signal to a worker; nothing happens where it has just ended."""
        with self._lock:
            pid = self._slots[index].pid
            if pid not in self._zygote.codes:
                os.kill(pid, number)

    def is_stopped(self, index: int) -> bool:
        """Whether a worker stands still by SIGSTOP."""
        return _stat(self._slots[index].pid)[0] == "T"

    def remove(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the worker started last and don't start it again; returns its exit code."""
        with self._lock:
            slot = self._slots.pop()
        return self._end(slot, number)

    def stop(self) -> list[int]:
        """Ask all to end; returns their exit codes, -9 for one that had to be killed."""
        self._stopping.set()
        self._thread.join()
        for slot in self._slots:
            if slot.pid not in self._zygote.codes:
                os.kill(slot.pid, signal.SIGCONT)
                os.kill(slot.pid, signal.SIGTERM)
        codes = [self._end(slot, signal.SIGTERM) for slot in self._slots]
        self._slots.clear()
        return codes

    def peak_bytes(self) -> int:
        """The most memory that one of the running workers has had."""
        peaks = [0]
        for slot in self._slots:
            status = Path(f"/proc/{slot.pid}/status").read_text("ascii")
            peaks += [
                int(line.split()[1]) * 1024
                for line in status.splitlines()
                if line.startswith("VmHWM")
            ]
        return max(peaks)

    def _end(self, slot: _Slot, number: signal.Signals) -> int:
        if slot.pid not in self._zygote.codes:
            os.kill(slot.pid, number)
        end = time.monotonic() + _STOP_S
        while slot.pid not in self._zygote.codes:
            if time.monotonic() > end:
                os.kill(slot.pid, signal.SIGKILL)
                end += _STOP_S
            time.sleep(_TICK_S)
        return self._zygote.codes[slot.pid]

    def _start(self, slot: _Slot) -> None:
        environment = self._environment | {"SENTINEL_WEB_PORT": str(slot.port)}
        armed = self.failpoint()
        if armed is not None:
            environment["SENTINEL_FAILPOINT"] = armed
        slot.ready = False
        slot.pid = self._zygote.fork(
            environment, self._log, self._mutation, stops=self.failpoint_stops
        )

    def _supervise(self) -> None:
        while not self._stopping.wait(_TICK_S):
            with self._lock:
                slots = list(self._slots)
                for slot in slots:
                    if slot.pid in self._zygote.codes:
                        self.deaths += 1
                        slot.down_since = time.monotonic()
                        self._start(slot)
            for slot in slots:
                if not slot.ready and _is_ready(slot.port):
                    slot.ready = True
                    if slot.down_since is not None:
                        self.recoveries.append(time.monotonic() - slot.down_since)
                        slot.down_since = None


def _stat(pid: int) -> list[str]:
    """What /proc says of a process, from its state on; a state of X where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return ["X"]


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
