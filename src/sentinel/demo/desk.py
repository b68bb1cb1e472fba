"""The demo's desk: history and desk on a database that ends with the demo, and one user."""

import secrets
import tempfile
import time
from collections.abc import Callable

from msgspec.structs import replace

from sentinel.database import Database
from sentinel.demo.child import Child
from sentinel.desk.accounts import Accounts
from sentinel.desk.roles import Role
from sentinel.desk.tables import SCHEMA
from sentinel.history.store import VARIABLE
from sentinel.settings import Settings

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class DemoDesk:
    """Two services on the demo's cluster; ``free_port`` finds a port for each."""

    user = "demo"

    def __init__(self, settings: Settings, free_port: Callable[[], int]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sentinel-demo-")
        port = free_port()
        self.url = f"http://{settings.web_host}:{port}"
        shared = replace(
            settings,
            history=f"sqlite:///{self._folder.name}/history.db",
            archive=f"{self._folder.name}/archive",
            desk_url=self.url,
        )
        self.password = "".join(secrets.choice(_LETTERS) for _ in range(14))
        database = Database(shared.history, SCHEMA, VARIABLE)
        Accounts(database).add(
            self.user,
            Role.SENIOR,
            self.password,
            actor="os:demo",
            now_ms=time.time_ns() // 1_000_000,
        )
        database.close()
        self._history = Child("history", replace(shared, web_port=free_port()))
        self._desk = Child("desk", replace(shared, web_port=port))

    @property
    def invitation(self) -> str:
        """Where the desk is, and who may log in."""
        return f"{self.url}  {self.user} / {self.password}"

    def wait_ready(self, tell: Callable[[str], None]) -> None:
        """Wait until both are ready; raises ChildError."""
        self._history.wait_ready(tell)
        self._desk.wait_ready(tell)

    def check(self) -> None:
        """Raise ChildError if one of them has ended."""
        self._history.check()
        self._desk.check()

    def stop(self) -> None:
        """Stop both, and delete the database."""
        self._desk.stop()
        self._history.stop()
        self._folder.cleanup()
