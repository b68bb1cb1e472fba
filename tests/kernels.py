"""``python -m tests.kernels``: compile the engine's kernels anew where they are stale.

Numba compiles what has changed, but not what has inlined it from another file: so all of them are
stale when one is.  Compiled once, they are there for every process of a test run.
"""

import subprocess
import sys
from pathlib import Path

import sentinel

_WARM_UP = """\
from sentinel.engine import warm_up
from sentinel.settings import read_configuration
warm_up(read_configuration(None))
"""


def delete_stale() -> None:
    """Delete what was compiled before the newest file of kernels was written."""
    package = Path(sentinel.__file__).parent
    kernels = [path for path in package.rglob("*.py") if "model.kernel" in path.read_text("utf-8")]
    newest = max(path.stat().st_mtime for path in kernels)
    for compiled in package.rglob("__pycache__/*.nb[ic]"):
        if compiled.stat().st_mtime < newest:
            compiled.unlink()


def compile_once() -> None:
    """Compile what is missing, in a process of its own; a failure is for the tests to show."""
    subprocess.run([sys.executable, "-c", _WARM_UP], check=False)


if __name__ == "__main__":
    delete_stale()
    compile_once()
