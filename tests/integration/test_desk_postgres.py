"""The desk's accounts and audit log on PostgreSQL: several programs, a real server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update
from tests.delivery.postgres import Postgres
from tests.desk.accounts import CHEAP, HOME, NOW, PASSWORD

from sentinel.database import Database
from sentinel.desk.accounts import Accounts, LoginRefused, Session
from sentinel.desk.attempts import MOST_BY_NAME, Refusal
from sentinel.desk.audit import Action, AuditLog, Broken, Entry, Problem
from sentinel.desk.passwords import Passwords
from sentinel.desk.roles import Role
from sentinel.desk.tables import AUDIT, SCHEMA
from sentinel.history.store import Store

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own on a free port; its URL for SQLAlchemy."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    yield server.url
    server.stop()


def test_accounts_live_there_as_in_sqlite(postgres: str) -> None:
    """Beside history: logged in, known, refused, disabled, pruned."""
    Store(postgres).close()
    database = Database(postgres, SCHEMA, "SENTINEL_HISTORY")
    accounts = Accounts(database, passwords=Passwords(CHEAP))
    accounts.add("li.wei", Role.ANALYST, PASSWORD, actor="os:root", now_ms=NOW, desk="fraud")
    session = accounts.login("li.wei", PASSWORD, HOME, NOW)
    assert isinstance(session, Session)
    user = accounts.user_of(session.token, NOW + 1_000_000)
    assert user is not None
    assert (user.role, user.desk, user.enabled) == (Role.ANALYST, "fraud", True)
    odd = accounts.login("\0\ud800", "\0", "\0", NOW)
    assert odd == LoginRefused(Refusal.UNKNOWN_NAME)
    accounts.change("li.wei", enabled=False, role=Role.SENIOR, actor="os:root", now_ms=NOW)
    assert accounts.user_of(session.token, NOW) is None
    assert not accounts.close("\0", NOW)
    assert accounts.prune(2 * NOW) == {"desk_logins": 1}
    assert AuditLog(database).verify() is None
    database.close()


def test_a_limit_holds_among_programs(postgres: str) -> None:
    """Two desks at once let nobody try more often."""
    databases = [Database(postgres, SCHEMA, "SENTINEL_HISTORY") for _ in range(2)]
    desks = [Accounts(each, passwords=Passwords(CHEAP)) for each in databases]
    with ThreadPoolExecutor(8) as pool:
        tries = [
            pool.submit(each.login, "zoe", "wrong", HOME, NOW) for _ in range(15) for each in desks
        ]
        done = [each.result(60) for each in tries]
    assert done.count(LoginRefused(Refusal.UNKNOWN_NAME)) == MOST_BY_NAME
    for each in databases:
        each.close()


def test_programs_append_in_turns(postgres: str) -> None:
    """Each line has the next number; the chain is whole, and a change is found."""
    databases = [Database(postgres, SCHEMA, "SENTINEL_HISTORY") for _ in range(2)]
    logs = [AuditLog(each) for each in databases]
    before = logs[0].head().number
    with ThreadPoolExecutor(8) as pool:
        entry = Entry(NOW, "li.wei", Action.LOOK, "customer", "C-1", "预警 a1 \U0001f600 \0")
        appended = [pool.submit(each.append, entry) for _ in range(50) for each in logs]
        numbers = sorted(each.result(60) for each in appended)
    assert numbers == list(range(before + 1, before + 101))
    assert logs[0].verify([logs[1].head()]) is None
    with databases[0].writing() as connection:
        connection.execute(update(AUDIT).where(AUDIT.c.number == before + 7).values(detail=""))
    assert logs[1].verify() == Broken(before + 7, Problem.CHANGED)
    for each in databases:
        each.close()
