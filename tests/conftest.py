"""Brokers for tests: the real Apache Kafka, and librdkafka's built-in cluster."""

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from tests.kafka.broker import VERSION, Broker
from tests.kafka.secure import SecureBroker

import sentinel

_REAL = f"real Apache Kafka {VERSION}"
_BUILT_IN = "librdkafka built-in cluster"
_used: Counter[str] = Counter()
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def _real_broker() -> Iterator[Broker]:
    broker = Broker()
    yield broker
    broker.stop()


@pytest.fixture
def kafka(_real_broker: Broker) -> str:
    """Bootstrap address of a real Apache Kafka."""
    _used[_REAL] += 1
    return _real_broker.address


@pytest.fixture(scope="session")
def _secure_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    broker = SecureBroker(tmp_path_factory.mktemp("certificates"))
    yield broker
    broker.stop()


@pytest.fixture
def secure_kafka(_secure_broker: SecureBroker) -> SecureBroker:
    """A real Apache Kafka with TLS, passwords and ACLs."""
    _used[_REAL] += 1
    return _secure_broker


@pytest.fixture(scope="session")
def _built_in_cluster() -> Iterator[str]:
    producer = Producer({"bootstrap.servers": "ignored", "test.mock.num.brokers": 1})
    brokers = producer.list_topics(timeout=10).brokers
    yield ",".join(f"{each.host}:{each.port}" for each in brokers.values())
    del producer


@pytest.fixture
def mock_kafka(_built_in_cluster: str) -> str:
    """Bootstrap address of librdkafka's built-in cluster: quick, but no proof."""
    _used[_BUILT_IN] += 1
    return _built_in_cluster


@pytest.fixture
def prefix() -> str:
    """A topic prefix and application id that no other test uses."""
    return f"t{os.getpid()}n{next(_numbers)}"


def pytest_configure() -> None:
    """Drop compiled kernels that are older than any kernel's source.

    Numba compiles anew what changed, but not what has inlined it from another file.
    """
    package = Path(sentinel.__file__).parent
    kernels = [path for path in package.rglob("*.py") if "model.kernel" in path.read_text("utf-8")]
    newest = max(path.stat().st_mtime for path in kernels)
    for compiled in package.rglob("__pycache__/*.nb[ic]"):
        if compiled.stat().st_mtime < newest:
            compiled.unlink()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run on the real broker."""
    for item in items:
        if not {"kafka", "secure_kafka"}.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")


def _is_whole_run(config: pytest.Config) -> bool:
    """Whether nothing chose among the tests: flags like ``-q`` choose nothing.

    In CI ``--lf`` and ``--ff`` excuse nothing: a cache must not decide what is proved.
    """
    option = config.option
    chosen = config.args_source is pytest.Config.ArgsSource.ARGS
    chosen = chosen or bool(option.markexpr or option.keyword or option.collectonly)
    return not chosen and (not config.getoption("lf", default=False) or "CI" in os.environ)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A whole run that did not touch the real broker has proved nothing."""
    if exitstatus == 0 and _is_whole_run(session.config) and not _used[_REAL]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which brokers the tests ran on."""
    said = ", ".join(f"{name}: {count} tests" for name, count in sorted(_used.items()))
    terminalreporter.write_line(f"brokers: {said or 'none'}")
    if _is_whole_run(config) and not _used[_REAL]:
        terminalreporter.write_line("FAILED: no test ran on the real Apache Kafka")
