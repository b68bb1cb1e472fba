"""Jars from Maven Central in a folder of their own, fetched once by whoever needs them first."""

import fcntl
import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache"
_TRIES = 3
_TIMEOUT_S = 540.0


class JarsError(RuntimeError):
    """The jars cannot be fetched; what needs them fails, it is never skipped."""


def fetch_jars(name: str, pom: Path, folder: Path) -> None:
    """Fetch what ``pom`` depends on if it is not there; a process that comes meanwhile waits.

    ``name`` is for people.  Raises JarsError.
    """
    complete = folder / ".complete"
    if complete.exists():
        return
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise JarsError(f"{name} needs {tool}: run `make setup-system`")
    folder.mkdir(parents=True, exist_ok=True)
    # Two Mavens that write into one folder spoil each other's files.
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            _resolve(name, pom, folder)
            complete.touch()


def _resolve(name: str, pom: Path, folder: Path) -> None:
    command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={folder}", "-DoverWriteReleases=true"]
    for _ in range(_TRIES):
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
        if not done.returncode:
            return
    errors = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
    raise JarsError(f"mvn cannot fetch {name} from Maven Central: {' '.join(errors[:1])}")
