"""The desk's web application on a database of its own, with a user of each role, for tests."""

import atexit
import queue
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from httpx import Response as Page
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry
from sqlalchemy import select
from tests.complaint_steps import step
from tests.delivery.alerts import CUSTOMER, NOW, alert
from tests.desk.accounts import CHEAP, HOME, PASSWORD

from sentinel.database import Database
from sentinel.desk import complaint_page, door, entity_page, pages, view
from sentinel.desk import desk as desk_module
from sentinel.desk.accounts import Accounts, Session
from sentinel.desk.app import create_app
from sentinel.desk.declare import DeskPlan, read_folder
from sentinel.desk.desk import Desk
from sentinel.desk.metrics import DeskMetrics
from sentinel.desk.passwords import Passwords
from sentinel.desk.roles import Role
from sentinel.desk.sessions import csrf_of
from sentinel.desk.tables import AUDIT, OUTGOING, SCHEMA
from sentinel.history.complaints import ComplaintStep
from sentinel.history.records import Read, Record
from sentinel.history.store import VARIABLE, Store
from sentinel.model.alert import Alert
from sentinel.model.response import Response
from sentinel.settings import shipped_configs

UNDO_MS = 10_000
HOST = "desk.bank"
OPEN = {"/login", "/language/{language}", "/livez", "/readyz", "/metrics", "/static/{file_path}"}
"""The routes that need no session."""
_PARTS = {
    "alert_id": "a1",
    "complaint_id": "K1",
    "response_id": "r1",
    "kind": "customer",
    "language": "en",
    "file_path": "desk.css",
}
_SENT_S = 30.0


class Clock:
    """The wall clock of the desk, which a test moves."""

    def __init__(self) -> None:
        self.ms = NOW + 60_000

    def __call__(self) -> int:
        """Now, in ms UTC."""
        return self.ms


class Person:
    """A user with an open session, or somebody without one (no token)."""

    def __init__(self, web: "Web", token: str = "", language: str = "en") -> None:
        self.web, self.token, self.language = web, token, language

    @property
    def csrf(self) -> str:
        """What the forms of the session hold."""
        return csrf_of(self.token)

    def request(self, method: str, path: str, **more: Any) -> Page:
        """Send a request with the session's cookie; redirects are not followed."""
        cookie = f"{view.LANGUAGE_COOKIE}={self.language}"
        if self.token:
            cookie += f"; {view.SESSION_COOKIE}={self.token}"
        headers = {"cookie": cookie} | more.pop("headers", {})
        client = self.web.client
        answer = client.request(method, path, headers=headers, follow_redirects=False, **more)
        client.cookies.clear()  # a Person is its own jar
        return answer

    def get(self, path: str, **more: Any) -> Page:
        """Ask for a page."""
        return self.request("GET", path, **more)

    def post(self, path: str, **form: Any) -> Page:
        """Send a form of the session."""
        return self.request("POST", path, data={"csrf": self.csrf, **form})


class Web:
    """A desk and its application; ``sent`` has what was sent to Kafka."""

    def __init__(self, folder: Path, alerts: Sequence[Record], *, is_secure: bool) -> None:
        self.clock = Clock()
        self.sent: queue.Queue[Response] = queue.Queue()
        self.file = folder / "desk.db"
        shutil.copy(_template(), self.file)
        url = f"sqlite:///{self.file}"
        self._offset = 0
        self.store = Store(url)
        self.desk = Desk(
            self.store,
            url,
            plan(),
            self.sent.put,
            DeskMetrics(CollectorRegistry()),
            is_secure=is_secure,
        )
        self.desk.accounts = self.accounts = Accounts(
            self.desk.own, passwords=Passwords(CHEAP), count=self.desk.metrics.limited
        )
        self.store_records(*alerts, a_complaint())
        scheme = "https" if is_secure else "http"
        self.app = create_app(self.desk)
        self.client = TestClient(
            self.app, base_url=f"{scheme}://{HOST}", raise_server_exceptions=False
        )

    def add(self, name: str, role: Role) -> None:
        """Add a user with the password of all tests."""
        self.accounts.add(name, role, PASSWORD, actor="os:root", now_ms=self.clock())

    def store_records(self, *records: Record) -> None:
        """Store records in history."""
        if records:
            start = self._offset
            self._offset += len(records)
            numbered = list(enumerate(records, start))
            self.store.accept(Read("alerts-0", start, self._offset, numbered))

    def person(self, name: str = "analyst", language: str = "en") -> Person:
        """Open a session without the form."""
        session = self.accounts.login(name, PASSWORD, HOME, self.clock())
        assert isinstance(session, Session)
        return Person(self, session.token, language)

    def stranger(self, language: str = "en") -> Person:
        """Somebody without a session."""
        return Person(self, "", language)

    def routes(self, method: str) -> list[str]:
        """The paths of the application that answer a method."""
        return [
            route.path_format
            for route in self.app.routes
            if isinstance(route, HTTPRoute) and method in route.methods
        ]

    def later(self, ms: int) -> None:
        """Move the clock on, and let the sender look."""
        self.clock.ms += ms
        self.desk.wake_sender()

    def next_sent(self) -> Response:
        """The next answer that is sent; waits for it."""
        return self.sent.get(timeout=_SENT_S)

    def audit(self, *actions: str) -> list[tuple[str, str, str, str]]:
        """Actor, action, subject and detail of the lines of the audit log with these actions."""
        lines = self.desk.audit.lines(0, 1_000)
        return [
            (each.actor, each.action, each.subject, each.detail)
            for each in lines
            if each.action in actions
        ]

    def footprint(self) -> tuple[int, list[Any]]:
        """What an action changes: the length of the audit log, and every stored answer."""
        with self.desk.own.reading() as connection:
            lines = len(connection.execute(select(AUDIT.c.number)).all())
            responses = connection.execute(select(OUTGOING).order_by(OUTGOING.c.response_id)).all()
        return lines, [tuple(row) for row in responses]


@contextmanager
def running(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *alerts: Record,
    is_secure: bool = False,
) -> Iterator[Web]:
    """A desk that runs with its tasks, on a clock that stands still."""
    web = Web(folder, alerts or some_alerts(), is_secure=is_secure)
    for module in (desk_module, complaint_page, door, entity_page, pages, view):
        monkeypatch.setattr(module, "now_ms", web.clock)
    with web.client:
        yield web
    web.desk.own.close()
    web.store.close()


@cache
def _template() -> Path:
    """A database with all tables and a user of each role: making one takes half a second."""
    folder = Path(tempfile.mkdtemp(prefix="sentinel-desk-"))
    atexit.register(shutil.rmtree, folder)
    url = f"sqlite:///{folder}/template.db"
    Store(url).close()
    database = Database(url, SCHEMA, VARIABLE)
    accounts = Accounts(database, passwords=Passwords(CHEAP))
    for role in Role:
        accounts.add(role.value, role, PASSWORD, actor="os:root", now_ms=NOW)
    with database.writing() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return folder / "template.db"


@cache
def plan() -> DeskPlan:
    """The shipped plan, in which a verdict is deferred for ``UNDO_MS``."""
    return replace(read_folder(shipped_configs()), undo_ms=UNDO_MS)


def some_alerts() -> list[Alert]:
    """Three alerts about one customer; the one with the smallest id is the most urgent."""
    return [alert(f"a{number}", updated_at=NOW + number) for number in (1, 2, 3)]


def a_complaint(**fields: Any) -> ComplaintStep:
    """The complaint K1 of the alerts' customer, received an hour ago."""
    return step("received", NOW - 3_600_000, customer_id=CUSTOMER, **fields)


def concrete(route: str) -> str:
    """An address of a route."""
    return route.format(**_PARTS)


def deferred(page: Page) -> list[str]:
    """The responses on a page that its reader may take back."""
    return re.findall(r'hx-post="/responses/([^"/]+)/withdraw"', page.text)


def addresses(page: Page) -> list[str]:
    """Every address in a page: links, forms, scripts, and what htmx asks for."""
    found = re.findall(r'(?:href|src|action|hx-get|hx-post|data-query)="([^"]*)"', page.text)
    return [unescape(each) for each in found]


def title(page: Page) -> str:
    """The title of a page."""
    (found,) = re.findall(r"<title>(.*?)</title>", page.text, re.DOTALL)
    return unescape(found)
