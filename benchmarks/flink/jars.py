"""Flink's jars from Maven Central and the two programs beside: ``python -m benchmarks.flink.jars``.

The programs are compiled by the compiler module of the JRE that runs the tests' broker: Debian's
headless JRE has the module, though not the command ``javac``.
"""

import re
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from tests.jars import CACHE, JarsError, fetch_jars

_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
VERSION = re.search(r"<flink.version>([^<]+)", _POM.read_text("utf-8"))[1]  # type: ignore[index]
_COMPILER = "jdk.compiler/com.sun.tools.javac.Main"


def fetch() -> str:
    """The class path of the programs, fetched and compiled if they have changed.

    Raises JarsError.
    """
    sources = sorted(_HERE.glob("*.java"))
    jars = CACHE / "flink" / _digest(_POM)
    fetch_jars(f"Apache Flink {VERSION}", _POM, jars)
    classes = CACHE / "flink" / f"classes-{_digest(_POM, *sources)}"
    if not classes.exists():
        _compile(sources, jars, classes)
    return f"{classes}:{jars}/*"


def _compile(sources: list[Path], jars: Path, classes: Path) -> None:
    path = ":".join(map(str, sorted(jars.glob("*.jar"))))  # the compiler expands no asterisk
    with tempfile.TemporaryDirectory(dir=classes.parent) as folder:
        out = Path(folder, "classes")
        command = ["java", "-m", _COMPILER, "-proc:none", "-d", str(out), "-cp", path]
        done = subprocess.run([*command, *sources], capture_output=True, text=True, check=False)
        if done.returncode:
            raise JarsError(f"Flink's programs do not compile: {done.stderr[-2_000:]}")
        out.rename(classes)


def _digest(*paths: Path) -> str:
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]


if __name__ == "__main__":
    try:
        fetch()
    except JarsError as error:
        sys.exit(str(error))
