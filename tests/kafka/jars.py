"""The jars of Apache Kafka, from Maven Central: ``python -m tests.kafka.jars`` fetches them."""

import re
import sys
from pathlib import Path

from tests.jars import CACHE, JarsError, fetch_jars

_POM = Path(__file__).with_name("pom.xml")
VERSION = re.search(r"kafka_2.13</artifactId>\s*<version>([^<]+)", _POM.read_text("utf-8"))[1]  # type: ignore[index]
JARS = CACHE / "kafka" / VERSION


class BrokerError(RuntimeError):
    """The real broker cannot run; tests that need it fail, they are never skipped."""


def fetch() -> None:
    """Fetch the jars if they are not there.

    Raises BrokerError.
    """
    try:
        fetch_jars(f"Apache Kafka {VERSION}", _POM, JARS)
    except JarsError as error:
        raise BrokerError(str(error)) from error


if __name__ == "__main__":
    try:
        fetch()
    except BrokerError as error:
        sys.exit(str(error))
