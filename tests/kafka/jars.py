"""The jars of Apache Kafka, from Maven Central: ``python -m tests.kafka.jars`` fetches them."""

import fcntl
import re
import shutil
import subprocess
import sys
from pathlib import Path

_POM = Path(__file__).with_name("pom.xml")
VERSION = re.search(r"kafka_2.13</artifactId>\s*<version>([^<]+)", _POM.read_text("utf-8"))[1]  # type: ignore[index]
JARS = Path(__file__).parents[2] / ".cache" / "kafka" / VERSION
_TRIES = 3
_TIMEOUT_S = 540.0


class BrokerError(RuntimeError):
    """The real broker cannot run; tests that need it fail, they are never skipped."""


def fetch() -> None:
    """Fetch the jars if they are not there; whoever comes meanwhile waits for them.

    Raises BrokerError.
    """
    complete = JARS / ".complete"
    if complete.exists():
        return
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise BrokerError(f"real Kafka needs {tool}: run `make setup-system`")
    JARS.mkdir(parents=True, exist_ok=True)
    # Two Mavens that write into one folder spoil each other's files.
    with JARS.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            _resolve()
            complete.touch()


def _resolve() -> None:
    command = ["mvn", "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={JARS}", "-DoverWriteReleases=true"]
    for _ in range(_TRIES):
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
        if not done.returncode:
            return
    raise BrokerError(f"mvn cannot resolve Kafka {VERSION}:\n{done.stdout[-2000:]}")


if __name__ == "__main__":
    try:
        fetch()
    except BrokerError as error:
        sys.exit(str(error))
