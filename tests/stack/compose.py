"""docker-compose.yml as data, and its services' names and paths as they are on this machine."""

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
_URL = re.compile(r"http://127\.0\.0\.1:\d+/[\w/-]*")


def read() -> dict[str, Any]:
    """docker-compose.yml with its anchors and merge keys resolved."""
    return dict(YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text("utf-8")))


def health_url(service: Mapping[str, Any]) -> str | None:
    """The page that a service's health check reads, if it reads one."""
    found = _URL.search(" ".join(service["healthcheck"].get("test", [])))
    return found and found[0]


def memory_limit(service: Mapping[str, Any]) -> int:
    """The bytes that a service may take."""
    text = service["deploy"]["resources"]["limits"]["memory"]
    return int(text[:-1]) << {"M": 20, "G": 30}[text[-1]]


def mounts(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Source and target of each volume of a service."""
    for volume in service.get("volumes", []):
        source, target = volume.split(":")[:2]
        yield source, target


class Locations:
    """Where a container's addresses and paths lie here: own ports of 127.0.0.1, own folders."""

    def __init__(self, names: list[str], folder: Path) -> None:
        own = ["localhost", "127.0.0.1", *sorted(names, key=len, reverse=True)]
        self._address = re.compile(rf"\b({'|'.join(map(re.escape, own))}):(\d+)\b")
        self._folder = folder
        self._addresses: dict[tuple[str, str], str] = {}

    def put(self, service: str, port: str, address: str) -> None:
        """A service that listens already."""
        self._addresses[service, port] = address

    def address(self, service: str, port: str) -> str:
        """The local address of a service's port; a free one when it is first asked for."""
        if (service, port) not in self._addresses:
            self._addresses[service, port] = f"127.0.0.1:{free_port()}"
        return self._addresses[service, port]

    def local(self, service: str, text: str) -> str:
        """A text of a service's with local addresses; a loopback address is the service's own."""

        def replaced(match: re.Match[str]) -> str:
            name, port = match.groups()
            return self.address(service if name in ("localhost", "127.0.0.1") else name, port)

        return self._address.sub(replaced, text)

    def folders(self, name: str, service: Mapping[str, Any]) -> dict[str, Path]:
        """A folder for each mount of a service: shipped files with local addresses, or empty."""
        made = {}
        for source, target in mounts(service):
            folder = self._folder / name / target.lstrip("/")
            if source.startswith("."):
                shutil.copytree(ROOT / source, folder)
                for file in (*folder.rglob("*.yml"), *folder.rglob("routes.yaml")):
                    file.write_text(self.local(name, file.read_text("utf-8")), "utf-8")
            else:
                folder.mkdir(parents=True)
            made[target] = folder
        return made
