"""The benchmark's Flink: its jars, and what happens without them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
MVN = """\
#!/bin/sh
echo "[ERROR] Could not transfer artifact: repo.maven.apache.org: Unknown host"
echo "[ERROR] To see the full stack trace, re-run Maven with the -e switch."
exit 1
"""
BENCH = """\
import sys
from pathlib import Path
from benchmarks.__main__ import main
from benchmarks.flink import jars
jars.CACHE = Path(sys.argv[1])
sys.argv = ["benchmarks", "--peers", "python", "--only", "kafka_per_cpu_s_vs_flink"]
main()
"""


def test_without_jars_the_benchmark_stops_and_names_the_reason(tmp_path: Path) -> None:
    """Where Maven Central is out of reach, nothing is measured and one line says why."""
    for name, text in {"mvn": MVN, "java": ""}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    ran = subprocess.run(
        [sys.executable, "-c", BENCH, str(tmp_path / "cache")],
        cwd=ROOT,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    (line,) = ran.stderr.splitlines()
    assert line.startswith("nothing is measured, because Flink cannot run beside: mvn cannot fetch")
    assert line.endswith("Unknown host")
