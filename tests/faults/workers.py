"""One to three workers under a tiny supervisor, which starts again those that end."""

import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from tests.ports import free_port
from tests.zygote import Call, Forked, zygote

from sentinel.shard import failpoint

_TICK_S = 0.05
_STOP_S = 60.0


def raise_at_failpoints(name: str) -> None:
    """A failpoint sends this signal in place of SIGKILL."""
    number = signal.Signals[name]
    failpoint.signal = SimpleNamespace(SIGKILL=number)  # type: ignore[assignment, attr-defined]


@dataclass
class _Slot:
    port: int
    process: Forked
    ready: bool = False
    down_since: float | None = None  # only a worker that has ended is timed


class Workers:
    """The workers of one run; ``deaths`` counts those that ended unasked.

    ``recoveries`` are the seconds from each death to the ready page of who came after it.
    ``failpoint`` is asked at each start; with ``failpoint_stops`` it is SIGSTOP that comes there.
    """

    def __init__(self, environment: Mapping[str, str], log: Path, mutation: str | None) -> None:
        self.deaths = 0
        self.recoveries: list[float] = []
        self.failpoint: Callable[[], str | None] = lambda: None
        self.failpoint_stops = False
        self._environment, self._log, self._mutation = dict(environment), log, mutation
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
        with self._lock:
            port = free_port()
            self._slots.append(_Slot(port, self._fork(port)))

    def send(self, index: int, number: signal.Signals) -> None:
        """Send a signal to a worker; nothing happens where it has just ended."""
        with self._lock:
            self._slots[index].process.send(number)

    def is_stopped(self, index: int) -> bool:
        """Whether a worker stands still by SIGSTOP."""
        return _stat(self._slots[index].process.pid)[0] == "T"

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
            slot.process.send(signal.SIGCONT)
            slot.process.send(signal.SIGTERM)
        codes = [self._end(slot, signal.SIGTERM) for slot in self._slots]
        self._slots.clear()
        return codes

    def peak_bytes(self) -> int:
        """The most memory that one of the running workers has had."""
        peaks = [0]
        for slot in self._slots:
            status = Path(f"/proc/{slot.process.pid}/status").read_text("ascii")
            peaks += [
                int(line.split()[1]) * 1024
                for line in status.splitlines()
                if line.startswith("VmHWM")
            ]
        return max(peaks)

    def _end(self, slot: _Slot, number: signal.Signals) -> int:
        slot.process.send(number)
        try:
            return slot.process.wait(_STOP_S)
        except TimeoutError:
            slot.process.send(signal.SIGKILL)
            return slot.process.wait(_STOP_S)

    def _fork(self, port: int) -> Forked:
        environment = self._environment | {"SENTINEL_WEB_PORT": str(port)}
        armed = self.failpoint()
        if armed is not None:
            environment["SENTINEL_FAILPOINT"] = armed
        before = []
        if self.failpoint_stops:
            before.append(Call("tests.faults.workers:raise_at_failpoints", "SIGSTOP"))
        if self._mutation:
            before.append(Call("tests.faults.mutations:put_back", self._mutation))
        return zygote().fork(["worker"], environment, self._log, self._log, before=before)

    def _supervise(self) -> None:
        while not self._stopping.wait(_TICK_S):
            with self._lock:
                slots = list(self._slots)
                for slot in slots:
                    if slot.process.code is not None:
                        self.deaths += 1
                        slot.down_since = time.monotonic()
                        slot.ready = False
                        slot.process = self._fork(slot.port)
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
