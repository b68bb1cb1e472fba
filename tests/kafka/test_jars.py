"""Fetching Kafka's jars and finding free ports, by several processes at once."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Fails if another one runs, as Maven does where two write into one folder.
MVN = """\
#!/bin/sh
echo call >> "$CALLS"
mkdir "$CALLS.busy" || exit 1
sleep 0.2
rmdir "$CALLS.busy"
"""
FETCH = """\
from pathlib import Path
import sys
from tests.kafka import jars
jars.JARS = Path(sys.argv[1]) / "jars"
jars.fetch()
"""
PORTS = "from tests.ports import free_ports; print(*free_ports(20), flush=True); input()"


def test_whoever_comes_while_jars_are_fetched_waits_for_them(tmp_path: Path) -> None:
    """Of four processes at once one calls Maven, and the others find what it fetched."""
    for name, text in {"mvn": MVN, "java": ""}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CALLS": str(tmp_path / "calls")}
    command = [sys.executable, "-c", FETCH, str(tmp_path)]
    fetching = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(4)]
    assert [each.wait() for each in fetching] == [0] * 4
    assert (tmp_path / "calls").read_text() == "call\n"


def test_no_two_processes_are_given_the_same_port() -> None:
    """A port is kept for the process that asked for it, though nobody listens there yet."""
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", PORTS],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    ports = [port for each in asking for port in each.stdout.readline().split()]  # type: ignore[union-attr]
    for each in asking:
        each.communicate("\n")
    assert len(ports) == len(set(ports)) == 60
