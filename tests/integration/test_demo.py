"""The demo as its user runs it."""

import re
import signal
import subprocess
import sys

import pytest
from tests.integration.stage import wait_for


def _children_of(pid: int) -> list[str]:
    done = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.split()


@pytest.mark.process
def test_all_four_tiers_and_a_clean_end() -> None:
    """Ends by itself with a summary and exit 0, alerts of every tier, no process left."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "sentinel", "demo", "--seconds", "30"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: len(_children_of(demo.pid)) == 3, "worker, history and desk start")
    children = _children_of(demo.pid)
    output, complaint = demo.communicate(timeout=240)
    assert demo.returncode == 0, output + complaint
    for tier in ("red", "orange", "yellow", "blue"):
        (line,) = [
            line for line in output.splitlines() if tier in line and "alert revisions" in line
        ]
        assert " 0 alert revisions" not in line, line
    assert "librdkafka's built-in cluster" in output
    assert "malformed" in output
    assert re.search(r"desk: +http://127.0.0.1:[0-9]+ +user demo, password [a-z0-9]{14}", output)
    (shared,) = [line for line in output.splitlines() if "shared entities" in line]
    assert "p99" in shared
    left = subprocess.run(["ps", "-p", ",".join(children)], capture_output=True, check=False)
    assert left.returncode == 1


@pytest.mark.process
def test_ctrl_c_ends_everything() -> None:
    """An interrupt ends the demo with 130, as shells expect, and its worker with it."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "sentinel", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that starts pytest in the background makes it and its children ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - as above
    )
    wait_for(lambda: len(_children_of(demo.pid)) == 3, "worker, history and desk start")
    children = _children_of(demo.pid)
    demo.send_signal(signal.SIGINT)
    output, complaint = demo.communicate(timeout=60)
    assert demo.returncode == 130, output + complaint
    left = subprocess.run(["ps", "-p", ",".join(children)], capture_output=True, check=False)
    assert left.returncode == 1


@pytest.mark.process
def test_no_orphan_when_the_demo_is_killed() -> None:
    """Even kill -9 of the demo takes its worker along."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "sentinel", "demo"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: len(_children_of(demo.pid)) == 3, "worker, history and desk start")
    children = _children_of(demo.pid)
    demo.kill()
    demo.wait()

    def gone() -> bool:
        return (
            subprocess.run(
                ["ps", "-p", ",".join(children)], capture_output=True, check=False
            ).returncode
            == 1
        )

    wait_for(gone, "the worker is gone", 20)
