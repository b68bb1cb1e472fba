"""A Sentinel service as a child process that never outlives its parent."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from sentinel.settings import Settings, variable

_READY_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 15.0
_PR_SET_PDEATHSIG = 1
_PASSED = (
    "brokers",
    "app_id",
    "topic_prefix",
    "web_host",
    "web_port",
    "history",
    "archive",
    "desk_url",
)


class ChildError(Exception):
    """A service did not start or has ended; the message has the end of its log."""


def _die_with_parent() -> None:
    """In the child: have the kernel kill it when its parent ends for any reason (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgrp()  # a Ctrl-C in the terminal is for the parent, which stops the child itself


def environment(settings: Settings) -> dict[str, str]:
    """A service's environment on the built-in cluster, without our own SENTINEL_ variables."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("SENTINEL_")}
    for name in _PASSED:
        variables[variable(name)] = str(getattr(settings, name))
    # The built-in cluster changes transactional batches (rollups) and leaves their checksums.
    variables[variable("check_crcs")] = "false"
    variables[variable("built_in_cluster")] = "true"
    return variables


class Child:
    """A running service, started by its verb; ``url`` is where its web pages are."""

    def __init__(self, verb: str, settings: Settings) -> None:
        self._verb = verb
        self.url = f"http://{settings.web_host}:{settings.web_port}"
        self._log = tempfile.NamedTemporaryFile(prefix=f"sentinel-{verb}-", suffix=".log")  # noqa: SIM115 - kept until stop
        self._process = subprocess.Popen(  # noqa: S603 - a verb of our own
            [sys.executable, "-m", "sentinel", verb],
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads before this point matter
        )

    def wait_ready(self, tell: Callable[[str], None]) -> None:
        """Wait until it is ready; raises ChildError."""
        deadline = time.monotonic() + _READY_TIMEOUT_S
        slow = time.monotonic() + 8
        while not self._responds("/readyz"):
            self.check()
            if time.monotonic() > slow:
                tell("compiling kernels, first start only (about half a minute)")
                slow = deadline
            if time.monotonic() > deadline:
                waited = f"after {_READY_TIMEOUT_S:.0f} s"
                raise ChildError(f"the {self._verb} was not ready {waited}:\n{self._tail()}")
            time.sleep(0.2)

    def check(self) -> None:
        """Raise ChildError if the service has ended."""
        if self._process.poll() is not None:
            raise ChildError(
                f"the {self._verb} ended with exit code {self._process.returncode}:\n{self._tail()}"
            )

    def metrics(self) -> str:
        """The text of /metrics, empty when it does not answer at once."""
        try:
            with urllib.request.urlopen(f"{self.url}/metrics", timeout=2) as answer:  # noqa: S310 - our own worker
                return str(answer.read().decode())
        except OSError:
            return ""

    def stop(self) -> None:
        """Stop the service: ask it to end, kill it after a time."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()

    def _responds(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=2):  # noqa: S310 - our own worker
                return True
        except (urllib.error.URLError, OSError):
            return False

    def _tail(self) -> str:
        return "\n".join(Path(self._log.name).read_text(errors="replace").splitlines()[-15:])
