"""Ports that stay free until the process that asked for them listens there."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

# Below those that Linux gives to whoever asks for any port, and to outgoing connections.
_PORTS = range(20_000, 32_000)
_LOCKS = Path(tempfile.gettempdir()) / f"sentinel-ports-{os.getuid()}"
# Locks last as long as the process: another one that asks is given other ports.
_held: list[int] = []


def free_ports(count: int) -> list[int]:
    """So many ports of 127.0.0.1 that nobody listens on and that no other caller is given.

    Raises RuntimeError where there are not so many.
    """
    _LOCKS.mkdir(exist_ok=True)
    found: list[int] = []
    for port in _PORTS:
        if len(found) == count:
            return found
        if _lock(port):
            found.append(port)
    raise RuntimeError(f"no {count} free ports from {_PORTS[0]} to {_PORTS[-1]}")


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]


def _lock(port: int) -> bool:
    lock = os.open(_LOCKS / str(port), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        os.close(lock)
        return False
    _held.append(lock)
    return True
