"""A real Apache Kafka of the tests' own: one KRaft JVM on free ports, in a temporary folder."""

import shutil
import subprocess
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from tests.kafka.jars import JARS, VERSION, BrokerError, fetch
from tests.ports import free_ports

_START_TIMEOUT_S = 60.0
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={advertised}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT,\
  SSL:SSL,SASL_SSL:SASL_SSL
controller.listener.names=CONTROLLER
log.dirs={folder}/log
num.partitions=4
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
"""


class Broker:
    """A running broker; ``address`` is its bootstrap address, ``addresses`` has all by protocol.

    Beyond PLAINTEXT it listens for ``protocols``, with ``properties`` and SCRAM users
    (passwords by name) of the caller's.  The listener PROXIED tells clients the address that
    ``advertised`` has for it.  Data are kept in ``folder`` if one is given.
    """

    def __init__(
        self,
        protocols: Sequence[str] = (),
        properties: Mapping[str, str] = MappingProxyType({}),
        scram_users: Mapping[str, str] = MappingProxyType({}),
        advertised: Mapping[str, str] = MappingProxyType({}),
        folder: Path | None = None,
    ) -> None:
        fetch()
        controller, *ports = free_ports(2 + len(protocols))
        names = ("PLAINTEXT", *protocols)
        self.addresses = {
            name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)
        }
        self.address = self.addresses["PLAINTEXT"]
        self._folder = Path(tempfile.mkdtemp(prefix="sentinel-kafka-"))
        told = self.addresses | dict(advertised)
        self._config = self._folder / "server.properties"
        self._config.write_text(
            _PROPERTIES.format(
                listeners=",".join(f"{name}://{at}" for name, at in self.addresses.items()),
                advertised=",".join(f"{name}://{at}" for name, at in told.items()),
                controller=controller,
                folder=folder or self._folder,
            )
            + "".join(f"{name}={value}\n" for name, value in properties.items())
        )
        # Stated after "=": one id in 64 begins with a dash.
        cluster = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        users = [
            f"--add-scram=SCRAM-SHA-512=[name={name},password={password}]"
            for name, password in scram_users.items()
        ]
        self._run(
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster}",
            "-c",
            str(self._config),
            *users,
        )
        self._log = (self._folder / "broker.out").open("wb")
        self.start()

    @property
    def pid(self) -> int:
        """The process id of the JVM."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the JVM has ended, by itself or killed."""
        return self._process.poll() is not None

    def start(self) -> None:
        """Start the JVM, again after :meth:`kill`: ports and data are the same."""
        self._process = subprocess.Popen(
            [*self._java("-Xmx1g", "-Xms256m"), "kafka.Kafka", str(self._config)],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._wait()

    def kill(self) -> None:
        """End the JVM as ``kill -9`` does; what it had written stays."""
        self._process.kill()
        self._process.wait()

    def _java(self, *options: str) -> list[str]:
        # The first compiler alone: a broker of minutes needs half as much of a core with it.
        compiled = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
        return ["java", *compiled, *options, "-cp", f"{JARS}/*"]

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._java(), *arguments], capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode:
            raise BrokerError(f"{arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        while True:
            try:
                admin.list_topics(timeout=1.0)
            except KafkaException:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = (self._folder / "broker.out").read_text(errors="replace")[-2000:]
                    self.stop()
                    raise BrokerError(f"Kafka {VERSION} does not start:\n{log}") from None
            else:
                return

    def stop(self) -> None:
        """Stop the JVM and remove its folder."""
        self.kill()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)
