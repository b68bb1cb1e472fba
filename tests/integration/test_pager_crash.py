"""The pager killed at any moment: every red alert is paged, under one key, and none is lost."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.delivery.listener import ROUTING_KEY

pytestmark = pytest.mark.process
ALERTS = 24
KILLS = 200
LATE_ROUNDS = 8
TWO_DAYS_MS = 48 * 3_600_000
_LONGEST_S = 0.12


class Receiver:
    """PagerDuty's front door; it may kill who is just talking to it, before or after it answers."""

    def __init__(self) -> None:
        receiver = self
        self.keys: Counter[str] = Counter()
        self.found: dict[str, int] = {}  # alerts in each digest of late ones
        self.problems: list[str] = []
        self.before: int | None = None  # kill the pager when so many more events have come
        self.pager = 0
        self._lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Take an event, and answer 202."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.receive(json.loads(body))
                answer = b'{"status":"success"}'
                self.send_response(202)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def handle(self) -> None:
                try:
                    super().handle()
                except (ConnectionError, ValueError):  # the pager was killed while it talked
                    self.close_connection = True

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def receive(self, event: dict[str, Any]) -> None:
        """Count the event; kill its sender if this is the one."""
        with self._lock:
            if event["routing_key"] != ROUTING_KEY or event["event_action"] != "trigger":
                self.problems.append(str(event))
            key, payload = str(event["dedup_key"]), event["payload"]
            self.keys[key] += 1
            if "late" in payload["custom_details"]:
                found = payload["custom_details"]["late"]["found"]
                if self.found.setdefault(key, found) != found:
                    self.problems.append(f"{key} has changed")
            if self.before is not None:
                self.before -= 1
                if self.before < 0:
                    self.before = None
                    _kill(self.pager)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on a free port."""
    made = Receiver()
    yield made
    made.server.shutdown()


@pytest.fixture
def zygote() -> Iterator[subprocess.Popen[str]]:
    """A process that forks pagers."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.delivery.zygote"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    ) as process:
        yield process
        os.killpg(process.pid, signal.SIGKILL)  # and the pager that a failed test left


def _pager(zygote: subprocess.Popen[str], folder: Path, url: str, age_ms: int = 0) -> int:
    zygote.stdin.write(f"{folder} {url} {ALERTS} {age_ms}\n")  # type: ignore[union-attr]
    zygote.stdin.flush()  # type: ignore[union-attr]
    return int(zygote.stdout.readline())  # type: ignore[union-attr]


def _kill(pager: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it had ended by itself
        os.kill(pager, signal.SIGKILL)


def _killed(zygote: subprocess.Popen[str]) -> bool:
    """Wait for the pager's end; whether it was killed."""
    end = zygote.stdout.readline()  # type: ignore[union-attr]
    assert end in ("done\n", "killed\n"), end
    return end == "killed\n"


def test_every_red_alert_is_paged_whenever_the_pager_is_killed(
    receiver: Receiver, zygote: subprocess.Popen[str], tmp_path: Path
) -> None:
    """Kills by time and in the middle of a delivery, seeded; until so many have struck."""
    chance, kills, rounds, resent = random.Random(2026), 0, 0, 0
    while kills < KILLS:
        folder = tmp_path / f"round-{rounds}"
        folder.mkdir()
        receiver.keys.clear()
        for attempt in range(1_000):
            receiver.before = chance.randrange(4) if attempt % 2 and kills < KILLS else None
            receiver.pager = _pager(zygote, folder, receiver.url)
            timer = threading.Timer(chance.uniform(0.0, _LONGEST_S), _kill, (receiver.pager,))
            if not attempt % 2 and attempt < 6:
                timer.start()
            struck = _killed(zygote)
            timer.cancel()
            receiver.before = None
            kills += struck
            if not struck:
                break
        assert set(receiver.keys) == {f"a{n}" for n in range(ALERTS)}
        assert receiver.problems == []
        resent += receiver.keys.total() - ALERTS
        rounds += 1
    print(f"{kills} kills in {rounds} rounds: none lost, {resent} resent")  # noqa: T201
    assert resent > 0  # else no kill struck between a delivery and its note


def test_every_late_alert_is_in_one_digest_whenever_the_pager_is_killed(
    receiver: Receiver, zygote: subprocess.Popen[str], tmp_path: Path
) -> None:
    """Kills while alerts are collected, when a digest becomes a page and while it is sent."""
    chance, kills = random.Random(2027), 0
    for number in range(LATE_ROUNDS):
        folder = tmp_path / f"late-{number}"
        folder.mkdir()
        receiver.keys.clear()
        receiver.found.clear()
        for attempt in range(1_000):
            receiver.before = 0 if attempt == 2 else None
            receiver.pager = _pager(zygote, folder, receiver.url, TWO_DAYS_MS)
            timer = threading.Timer(chance.uniform(0.0, 0.5), _kill, (receiver.pager,))
            if attempt < 2:
                timer.start()
            struck = _killed(zygote)
            timer.cancel()
            receiver.before = None
            kills += struck
            if not struck:
                break
        assert receiver.problems == []
        assert receiver.found.keys() == receiver.keys.keys()
        assert sum(receiver.found.values()) == ALERTS
    assert kills >= LATE_ROUNDS
