"""The guard in conftest.py: a whole run that did not use the real broker fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PASSES = '''
def test_nothing():
    """Passes."""
'''
_USES_KAFKA = '''
import pytest
from types import SimpleNamespace

@pytest.fixture(scope="session")
def _real_broker():
    """Stands in for the JVM."""
    return SimpleNamespace(address="127.0.0.1:1")

@pytest.mark.parametrize("number", range(3))
def test_something(kafka, number):
    """Passes, and counts as a test on the real broker."""
    assert kafka == "127.0.0.1:1"
'''


def _run(tree: Path, *options: str, **environment: str) -> tuple[int, str]:
    """Run pytest in a tree of tests with our conftest.py; exit code and output."""
    (tree / "pytest.ini").write_text("[pytest]\nmarkers =\n    kafka:\n    process:\n")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "CI"))}
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *options],
        cwd=tree,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("options", [("-q",), ("-n", "2", "--dist", "loadscope")])
def test_a_whole_run_without_the_real_broker_fails(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """All tests pass, and the run fails nevertheless and says why, with xdist too."""
    (tmp_path / "test_tree.py").write_text(_PASSES)
    code, output = _run(tmp_path, *options)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 passed" in output
    assert "brokers: none\nFAILED: no test ran on the real Apache Kafka\n" in output


@pytest.mark.parametrize("options", [("test_tree.py",), ("-m", "not kafka")])
def test_a_run_of_chosen_tests_needs_no_broker(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Whoever chooses tests is not asked for the broker."""
    (tmp_path / "test_tree.py").write_text(_PASSES)
    code, output = _run(tmp_path, *options)
    assert (code, "FAILED" in output) == (0, False), output


def test_tests_on_the_real_broker_are_counted(tmp_path: Path) -> None:
    """A run that used the broker passes, and its tests are counted."""
    (tmp_path / "test_tree.py").write_text(_USES_KAFKA)
    (tmp_path / "test_more.py").write_text(_PASSES)
    code, output = _run(tmp_path)
    assert code == 0, output
    assert "brokers: real Apache Kafka" in output
    assert ": 3 tests\n" in output
    assert "FAILED" not in output


def test_the_count_is_summed_over_workers(tmp_path: Path) -> None:
    """Both xdist workers use the broker; what each counted is added."""
    for number in range(4):
        (tmp_path / f"test_tree{number}.py").write_text(_USES_KAFKA)
    code, output = _run(tmp_path, "-n", "2", "--dist", "loadfile")
    assert code == 0, output
    assert ": 12 tests\n" in output


@pytest.mark.parametrize(("environment", "expected"), [({}, 0), ({"CI": "true"}, 1)])
def test_only_outside_ci_a_cache_chooses(
    tmp_path: Path, environment: dict[str, str], expected: int
) -> None:
    """``--lf`` is a choice at a desk, and none in CI."""
    (tmp_path / "test_tree.py").write_text(_PASSES)
    assert _run(tmp_path, "-p", "cacheprovider", "--lf", **environment)[0] == expected
