"""The services of docker-compose.yml as processes of this machine, started and stopped in order."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.kafka.broker import Broker
from tests.stack import compose
from tests.stack.activity import Activity
from tests.stack.prometheus import PrometheusApi
from tests.stack.receivers import Receivers

# Debian's names of the programs that are not Sentinel's.
_PROGRAMS = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}
# What a broker of the tests decides for itself: where it listens, and where its data are.
_BROKERS_OWN = ("listener", "voters", "log.dirs", "heap")
# By default a worker first writes a snapshot after a quarter of an hour.
_SNAPSHOTS = {"SENTINEL_SNAPSHOT_INTERVAL": "10s"}
_STOP_S = 40.0


class StackError(Exception):
    """The stack did not come up; the message says which part of it."""


class Stack:
    """Everything that docker-compose.yml describes and that can run without containers.

    ``pages`` are the health pages of the running services, ``left_out`` says why a service
    does not run here.
    """

    def __init__(self, folder: Path, deadline: float) -> None:
        self.services: Mapping[str, Any] = compose.read()["services"]
        self.pages: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.receivers = Receivers()
        self._locations = compose.Locations(list(self.services), folder)
        self._folder, self._deadline = folder, deadline
        self._closing = ExitStack()
        self._closing.callback(self.receivers.stop)

    @property
    def prometheus(self) -> PrometheusApi:
        """The running Prometheus."""
        return PrometheusApi(self._locations.address("prometheus", "9090"))

    def start(self) -> None:
        """Start what depends on nothing, then the rest; raises StackError."""
        self._start_kafka()
        if code := self._start("topics").wait(60):
            raise StackError(f"topics: exit code {code}: {self._log_end('topics')}")
        for name in self.services:
            if name in ("kafka", "topics"):
                continue
            if name == "grafana":
                self.left_out[name] = "needs its image; its queries are asked below"
            elif name != "simulator":
                self._start(name)
        for name in self.pages:
            self._wait(lambda name=name: self.healthy(name), f"{name} healthy")  # type: ignore[misc]
        for name in ("worker-1", "worker-2", "pager", "history", "desk"):
            ready = self.pages[name].replace("/livez", "/readyz")
            self._wait(lambda url=ready: _responds(url), f"{name} ready")  # type: ignore[misc]
        self._start("simulator")

    def act(self) -> None:
        """Send what the simulator leaves out: a silence, complaints, attacks, faulty records."""
        self._activity.silence_devices()
        self._activity.neglect_complaint()
        self._activity.handle_complaints()
        self._activity.attack()
        self._activity.send_faulty_records()

    def answer(self) -> None:
        """Answer the alerts that Alertmanager holds, as analysts do."""
        self._activity.answer(self.paged_alertmanager())

    def paged_alertmanager(self) -> list[str]:
        """The ids of the pager's alerts that the stack's Alertmanager holds."""
        address = self._locations.address("alertmanager", "9093")
        with urllib.request.urlopen(f"http://{address}/api/v2/alerts", timeout=5) as answer:
            alerts = json.load(answer)
        labels = [each["labels"] for each in alerts]
        return [each["alert_id"] for each in labels if each["alertname"] == "SentinelAlert"]

    def _start_kafka(self) -> None:
        environment = self.services["kafka"]["environment"]
        names = {
            name: name.removeprefix("KAFKA_").lower().replace("_", ".") for name in environment
        }
        broker = Broker(
            properties={
                names[name]: value
                for name, value in environment.items()
                if name.startswith("KAFKA_") and not any(own in names[name] for own in _BROKERS_OWN)
            }
        )
        self._closing.callback(broker.stop)
        self._locations.put("kafka", "9092", broker.address)
        self._activity = Activity(broker.address)

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        service = self.services[name]
        folders = self._locations.folders(name, service)

        def local(text: str) -> str:
            for target, folder in folders.items():
                text = re.sub(rf"(?<!\w){target}(?=/|$)", str(folder), text)
            return self._locations.local(name, text)

        command = [local(word) for word in service["command"]]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SENTINEL_")}
        if name in _PROGRAMS:
            port = service["ports"][0].rpartition(":")[2]
            listen = f"--web.listen-address={self._locations.address(name, port)}"
            command = [_PROGRAMS[name], *command, listen]
        else:
            command = [sys.executable, "-m", "sentinel", *command]
            environment |= {k: local(v) for k, v in service.get("environment", {}).items()}
            environment |= _SNAPSHOTS
        if name == "pager":
            self.receivers.add_to(folders["/etc/sentinel"] / "routes.yaml")
            environment |= self.receivers.environment
        if web_port := environment.get("SENTINEL_WEB_PORT"):
            host, _, port = self._locations.address(name, web_port).partition(":")
            environment |= {"SENTINEL_WEB_HOST": host, "SENTINEL_WEB_PORT": port}
        if url := compose.health_url(service):
            self.pages[name] = self._locations.local(name, url)
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.processes[name] = process
        self._closing.callback(_end, process)
        return process

    def healthy(self, name: str) -> bool:
        """Whether a service's health page answers, or its process runs if it has none."""
        if name in self.pages:
            return _responds(self.pages[name])
        if name in self.processes:
            code = self.processes[name].poll()
            return code == 0 if name == "topics" else code is None
        return bool(self.prometheus.samples("sum(sentinel_steps_total) > 0"))  # kafka: it commits

    def peak_bytes(self, name: str) -> int:
        """The most memory that a service's process has had (Linux), 0 where it has ended."""
        if name not in self.processes or self.processes[name].poll() is not None:
            return 0
        status = Path(f"/proc/{self.processes[name].pid}/status").read_text("ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def alertmanagers(self) -> int:
        """How many Alertmanagers Prometheus sends alerts to."""
        return len(self.prometheus.ask("alertmanagers")["activeAlertmanagers"])

    def watch(self, seconds: float) -> None:
        """Let it run; raises StackError as soon as a process ends."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._check()
            time.sleep(0.5)

    def stop(self) -> None:
        """End everything, the last started first."""
        self._closing.close()

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        while not condition():
            self._check()
            if time.monotonic() > self._deadline:
                raise StackError(f"not in time: {what}")
            time.sleep(0.1)

    def _check(self) -> None:
        for name, process in self.processes.items():
            code = process.poll()
            if code is not None and name != "topics":
                raise StackError(f"{name} has ended, exit code {code}: {self._log_end(name)}")

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _log_end(self, name: str) -> str:
        return self._log(name).read_text("utf-8", errors="replace")[-2000:]


def _responds(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
