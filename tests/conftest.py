"""Brokers, Hypothesis profiles, compiled kernels, and how tests are shared out to processes."""

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.internal.conjecture import providers
from tests import kernels
from tests.kafka.broker import Broker
from tests.kafka.jars import VERSION
from tests.kafka.secure import SecureBroker

_REAL = f"real Apache Kafka {VERSION}"
_BUILT_IN = "librdkafka built-in cluster"
_used: Counter[str] = Counter()
_numbers = itertools.count(1)
_UNTIMED: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
_FOUND = DirectoryBasedExampleDatabase(Path(__file__).parents[1] / ".cache" / "hypothesis")
settings.register_profile("fixed", derandomize=True, database=None, max_examples=100, **_UNTIMED)
settings.register_profile(
    "fuzz", derandomize=False, database=_FOUND, print_blob=True, max_examples=100, **_UNTIMED
)
settings.load_profile("fixed")  # ``make fuzz`` asks for the other one


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


def _is_xdist_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Delete stale compiled kernels; before xdist workers start, compile the engine's once."""
    if not config.getoption("--hypothesis-profile"):
        # Hypothesis also draws constants from whichever of our modules are imported by then:
        # one test's examples would depend on the tests that were chosen with it.
        none = providers._local_constants
        providers._get_local_constants = lambda: none
    if _is_xdist_worker(config):
        return
    kernels.delete_stale()
    ours = config.rootpath == Path(__file__).parents[1]  # tests of this file run it elsewhere
    if ours and config.getoption("numprocesses", default=None):
        kernels.compile_once()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run on the real broker, and all property tests."""
    for item in items:
        if not {"kafka", "secure_kafka"}.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")
        if "properties" in item.path.parts:
            item.add_marker("hypothesis")  # the plugin marks what has @given itself


def _is_whole_run(config: pytest.Config) -> bool:
    """Whether nothing chose among the tests: flags like ``-q`` choose nothing.

    In CI ``--lf`` and ``--ff`` excuse nothing: a cache must not decide what is proved.
    """
    option = config.option
    chosen = config.args_source is pytest.Config.ArgsSource.ARGS
    chosen = chosen or bool(option.markexpr or option.keyword or option.collectonly)
    return not chosen and (not config.getoption("lf", default=False) or "CI" in os.environ)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add an xdist worker's count of brokers; a worker that crashed has none."""
    _used.update(getattr(node, "workeroutput", {}).get("brokers", {}))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a whole run that did not use the real broker: it has proved nothing."""
    if _is_xdist_worker(session.config):
        session.config.workeroutput["brokers"] = dict(_used)  # type: ignore[attr-defined]
    elif exitstatus == 0 and _is_whole_run(session.config) and not _used[_REAL]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print which brokers the tests used."""
    used = ", ".join(f"{name}: {count} tests" for name, count in sorted(_used.items()))
    terminalreporter.write_line(f"brokers: {used or 'none'}")
    if _is_whole_run(config) and not _used[_REAL]:
        terminalreporter.write_line("FAILED: no test ran on the real Apache Kafka")
