"""``python -m tests.kernels``: compile the engine's kernels anew where they are stale.

Numba compiles what has changed, but not what has inlined it, or has a constant, from another file:
so all of them are stale when one is, or a file that one of them imports.  Compiled once, they are
there for every process of a test run.
"""

import re
import subprocess
import sys
from pathlib import Path

import sentinel

_IMPORTED = re.compile(r"^from (sentinel\.[\w.]+) import", re.MULTILINE)
_WARM_UP = """\
from sentinel.engine import warm_up
from sentinel.settings import read_configuration
warm_up(read_configuration(None))
"""


def delete_stale() -> None:
    """Delete what was compiled before the newest file of kernels was written."""
    package = Path(sentinel.__file__).parent
    texts = {path: path.read_text("utf-8") for path in package.rglob("*.py")}
    kernels = [path for path, text in texts.items() if "model.kernel" in text]
    imported = {name for path in kernels for name in _IMPORTED.findall(texts[path])}
    files = [Path(package.parent, *name.split(".")).with_suffix(".py") for name in imported]
    newest = max(path.stat().st_mtime for path in [*kernels, *files] if path in texts)
    for compiled in package.rglob("__pycache__/*.nb[ic]"):
        if compiled.stat().st_mtime < newest:
            compiled.unlink()


def compile_once() -> None:
    """Compile what is missing, in a process of its own; a failure is for the tests to show."""
    subprocess.run([sys.executable, "-c", _WARM_UP], check=False)


if __name__ == "__main__":
    delete_stale()
    compile_once()
