"""The machine and the commit that figures are from."""

import os
import platform
import subprocess
from pathlib import Path
from typing import TypedDict

_HERE = Path(__file__).parent


class Commit(TypedDict):
    """A commit of this repository; ``dirty`` is whether tracked files differed from it."""

    commit: str
    dirty: bool


def commit() -> Commit:
    """The commit that is checked out."""
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return {"commit": _git("rev-parse", "HEAD"), "dirty": bool(changed)}


def _git(*arguments: str) -> str:
    ran = subprocess.run(["git", *arguments], cwd=_HERE, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def machine() -> dict[str, str | int]:
    """Processor, cores, memory, kernel and Python."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "processor": model,
        "cores": os.cpu_count() or 1,
        "memory_mb": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20,
        "system": platform.platform(),
        "python": platform.python_version(),
    }
