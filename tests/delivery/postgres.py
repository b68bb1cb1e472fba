"""A PostgreSQL server of the tests' own, which can be stopped and started again."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from tests.ports import free_port

_START_S = 60.0


class Postgres:
    """Debian's PostgreSQL with its data in ``folder``; ``url`` is for SQLAlchemy."""

    def __init__(self, folder: Path) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        assert programs, "run make setup-system"
        self._programs, self._folder = programs[-1], folder
        self._as_user: list[str] = []
        if os.geteuid() == 0:  # the server refuses to run as root
            self._as_user = ["runuser", "-u", "postgres", "--"]
            shutil.chown(folder, "postgres")
            for parent in folder.parents:
                if parent != Path("/tmp"):  # noqa: S108 - it is everybody's already
                    parent.chmod(parent.stat().st_mode | 0o011)
                else:
                    break
        self._port = free_port()
        self.url = f"postgresql+pg8000://sentinel@127.0.0.1:{self._port}/postgres"
        data = ["-D", str(folder / "data"), "-A", "trust", "-U", "sentinel"]
        subprocess.run(
            [*self._as_user, str(self._programs / "initdb"), *data],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers: it listens before it lets anybody in."""
        options = ["-D", str(self._folder / "data"), "-h", "127.0.0.1", "-p", str(self._port)]
        self._server = subprocess.Popen(
            [*self._as_user, str(self._programs / "postgres"), *options, "-k", str(self._folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
        )
        deadline = time.monotonic() + _START_S
        while not self._responds():
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.02)

    def _responds(self) -> bool:
        ready = [str(self._programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(self._port)]
        return subprocess.run(ready, capture_output=True, check=False).returncode == 0

    def stop(self) -> None:
        """Stop it, whoever is connected."""
        pid = int((self._folder / "data" / "postmaster.pid").read_text().split("\n")[0])
        subprocess.run([*self._as_user, "kill", "-INT", str(pid)], check=True)
        self._server.wait(20)
