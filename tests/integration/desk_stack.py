"""Worker, history and desk as processes on one stage, and a browser whose keys are counted."""

import re
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace
from playwright.sync_api import Browser, Page
from tests.desk.accounts import CHEAP, PASSWORD
from tests.integration.stage import Stage, WorkerProcess
from tests.ports import free_port

from sentinel.database import Database
from sentinel.desk.accounts import Accounts
from sentinel.desk.passwords import Passwords
from sentinel.desk.roles import Role
from sentinel.desk.tables import SCHEMA
from sentinel.history.store import VARIABLE, Store
from sentinel.history.topics import readers
from sentinel.model.alert import Alert
from sentinel.model.response import Response
from sentinel.settings import shipped_configs

CHROMIUM = "/usr/bin/chromium"
USER = "li.wei"
UNDO_S = 3  # a busy machine needs a second from one key to the next


class DeskStack:
    """The three processes, on a configuration in which a verdict is held for ``UNDO_S``."""

    def __init__(self, broker: str, prefix: str, folder: Path) -> None:
        self.stage = Stage(broker, prefix)
        self._readers = readers(self.stage.settings)
        history = f"sqlite:///{folder}/history.db"
        Store(history).close()
        database = Database(history, SCHEMA, VARIABLE)
        accounts = Accounts(database, passwords=Passwords(CHEAP))
        now_ms = time.time_ns() // 1_000_000
        accounts.add(USER, Role.SENIOR, PASSWORD, actor="os:root", now_ms=now_ms)
        database.close()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._environment = {
            "SENTINEL_CONFIGS": str(_configs(folder / "configs")),
            "SENTINEL_HISTORY": history,
            "SENTINEL_DESK_URL": self.url,
        }
        self._desk_settings = replace(self.stage.settings, web_port=port)
        history_settings = replace(self.stage.settings, web_port=free_port())
        self.worker = WorkerProcess(self.stage.settings, self._environment)
        self.history = WorkerProcess(history_settings, self._environment, "history")
        self.start_desk()
        for each in (self.worker, self.history, self.desk):
            each.wait_ready()

    def start_desk(self) -> None:
        """Start the desk's process."""
        self.desk = WorkerProcess(self._desk_settings, self._environment, "desk")

    def stop(self) -> None:
        """Kill all that still runs."""
        for each in (self.desk, self.history, self.worker):
            each.end(signal.SIGKILL)

    def alert(self, alert_id: str) -> Alert:
        """The newest revision of an alert on its topic."""
        topic = self.stage.topics.alerts
        found = [self._readers[topic](each.value()) for each in self.stage.read(topic)]
        revisions = [each for each in found if isinstance(each, Alert)]
        mine = [each for each in revisions if each.alert_id == alert_id]
        return max(mine, key=lambda each: each.revision)

    def responses(self, alert_id: str) -> list[Response]:
        """The responses to an alert on their topic."""
        topic = self.stage.topics.responses
        found = [self._readers[topic](each.value()) for each in self.stage.read(topic)]
        return [each for each in found if isinstance(each, Response) and each.alert_id == alert_id]


class Hands:
    """A page of the desk in a browser, and how many keys its user has pressed."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self._url = page, url
        self.keys = 0
        self.complaints: list[str] = []
        page.set_default_timeout(30_000)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def press(self, key: str) -> None:
        """Press a key."""
        self.keys += 1
        self.page.keyboard.press(key)

    def log_in(self) -> None:
        """Log in at the form, which leads to the queue."""
        self.page.goto(f"{self._url}/login")
        self.page.locator("input[name=name]").fill(USER)
        self.page.locator("input[name=password]").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(re.compile("/queue$"))

    def take_next(self) -> str:
        """Take the most urgent alert that nobody has; returns its id."""
        self.press("Enter")
        self.page.wait_for_url(re.compile("/alerts/"))
        return self.page.url.rpartition("/")[2]

    def _console(self, message: object) -> None:
        if getattr(message, "type", "") in ("error", "warning"):
            self.complaints.append(str(getattr(message, "text", message)))


@contextmanager
def hands(browser: Browser, url: str, **context: object) -> Iterator[Hands]:
    """A fresh browser profile, as Playwright's ``new_context`` makes it."""
    made = browser.new_context(**context)  # type: ignore[arg-type]
    try:
        yield Hands(made.new_page(), url)
    finally:
        made.close()


def _configs(folder: Path) -> Path:
    """The shipped configuration with a short time to take a verdict back."""
    shutil.copytree(shipped_configs(), folder)
    file = folder / "desk.yaml"
    text, changes = re.subn(r"(?m)^undo: \w+", f"undo: {UNDO_S}s", file.read_text("utf-8"))
    assert changes == 1
    file.write_text(text, "utf-8")
    return folder
