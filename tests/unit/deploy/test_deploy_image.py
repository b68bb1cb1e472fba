"""The Dockerfile: linted, closed, complete, and one with the locks and with docker-compose.yml."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
from tests.stack import compose

import sentinel
from sentinel.kernel_cache import ImageCacheLocator

ROOT = compose.ROOT
LINES = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text("utf-8")).splitlines()
INSTRUCTIONS = [
    (word, rest)
    for word, _, rest in (line.partition(" ") for line in LINES if line and line[0] != "#")
]


def _of(instruction: str) -> list[str]:
    return [rest for word, rest in INSTRUCTIONS if word == instruction]


def _locked(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text("utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE))


def test_hadolint_finds_nothing() -> None:
    """Hadolint, the Dockerfile linter, is content without exceptions."""
    program = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [program, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_every_stage_starts_from_one_exact_python() -> None:
    """One base image with three numbers in its tag and a digest, and the label names it."""
    bases = {base.split()[0] for base in _of("FROM")}
    assert len(bases) == 1
    name, _, digest = bases.pop().partition("@")
    assert re.fullmatch(r"python:3\.12\.\d+-slim-\w+", name)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    assert f'base.name="docker.io/library/{name}"' in " ".join(_of("LABEL"))


def test_it_runs_as_a_number_that_is_not_root() -> None:
    """One USER, numeric, after the last RUN, and the one that docker-compose.yml names."""
    (user,) = _of("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    words = [word for word, _ in INSTRUCTIONS]
    assert words.index("USER") > max(i for i, word in enumerate(words) if word in ("RUN", "COPY"))
    assert compose.read()["services"]["worker-1"]["user"] == user


def test_nothing_is_fetched_that_is_not_locked() -> None:
    """No ADD, no system packages, and pip installs by hashes or what was built here."""
    assert not _of("ADD")
    runs = " && ".join(_of("RUN"))
    assert not re.search(r"\b(apt|apt-get|curl|wget|git)\b", runs)
    for install in re.findall(r"pip install [^&]+", runs):
        assert "--require-hashes" in install or "--no-deps /wheels/" in install


def test_it_starts_stops_and_answers() -> None:
    """Exec forms, so that SIGTERM reaches Sentinel; the health check is the compose file's."""
    assert _of("ENTRYPOINT") == ['["sentinel"]']
    assert _of("STOPSIGNAL") == ["SIGTERM"]
    (check,) = _of("HEALTHCHECK")
    url = compose.health_url(compose.read()["services"]["worker-1"])
    assert url is not None
    assert url.endswith("/livez")
    assert url in check


def test_labels_are_true() -> None:
    """The version is this one's, the licence the project's."""
    labels = " ".join(_of("LABEL"))
    assert f'version="{sentinel.__version__}"' in labels
    assert 'licenses="Apache-2.0"' in labels


def test_what_is_copied_is_there_and_let_through() -> None:
    """Every source of a COPY exists, and .dockerignore lets that through and nothing else."""
    copied = {
        source
        for rest in _of("COPY")
        if not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert rules[1] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied


def test_kernels_are_read_from_the_image() -> None:
    """The environment names our locator, a fixed CPU, and a folder within what is copied."""
    environment = dict(re.findall(r"(NUMBA_\w+)=(\S+)", " ".join(_of("ENV"))))
    locator = f"{ImageCacheLocator.__module__}.{ImageCacheLocator.__qualname__}"
    assert environment["NUMBA_CACHE_LOCATOR_CLASSES"] == locator
    assert environment["NUMBA_CPU_NAME"] == "generic"
    assert fnmatch(environment["NUMBA_CACHE_DIR"], "/opt/sentinel/*")


@pytest.mark.parametrize("name", ["requirements-run.lock", "requirements-build.lock"])
def test_a_lock_agrees_with_the_tested_one(name: str) -> None:
    """What the image gets has the versions that the tests run with, and nothing of the tests."""
    locked, tested = _locked(name), _locked("requirements.lock")
    assert locked
    assert locked.items() <= tested.items()
    assert not {"pytest", "mypy", "ruff"} & set(locked)
