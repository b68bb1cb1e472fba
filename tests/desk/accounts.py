"""Accounts of the desk with cheap hashes, for tests."""

from collections import Counter
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import select

from sentinel.database import Database
from sentinel.desk.accounts import Accounts, Limit, Session
from sentinel.desk.attempts import Refusal
from sentinel.desk.audit import AuditLog
from sentinel.desk.passwords import Passwords
from sentinel.desk.roles import Role
from sentinel.desk.tables import SCHEMA

NOW = 1_795_000_000_000
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD, HOME = "correct horse battery", "10.0.0.7"


class Desk:
    """Accounts in a database of their own, with what they counted and logged."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder}/desk.db", SCHEMA, "SENTINEL_HISTORY")
        self.counts: Counter[Refusal | Limit] = Counter()
        self.accounts = self.with_hasher(CHEAP)
        self.log = AuditLog(self.database)

    def with_hasher(self, hasher: PasswordHasher) -> Accounts:
        """Accounts in the same database with other parameters of argon2."""
        return Accounts(self.database, passwords=Passwords(hasher), count=self.count)

    def count(self, what: Refusal | Limit) -> None:
        """Count a refusal or a limit."""
        self.counts[what] += 1

    def add(self, name: str = "li.wei", role: Role = Role.ANALYST, desk: str = "") -> None:
        """Add a user with the password of all tests."""
        self.accounts.add(name, role, PASSWORD, actor="os:root", now_ms=NOW, desk=desk)

    def login(self, now_ms: int = NOW, name: str = "li.wei", password: str = PASSWORD) -> Session:
        """Log in; fails the test if that is refused."""
        session = self.accounts.login(name, password, HOME, now_ms)
        assert isinstance(session, Session)
        return session

    def actions(self) -> list[tuple[str, str, str, str]]:
        """Actor, action, subject and detail of each line of the audit log."""
        lines = self.log.lines(0, 99)
        return [(line.actor, line.action, line.subject, line.detail) for line in lines]

    def rows(self, table: Any) -> list[Any]:
        """The rows of a table."""
        with self.database.reading() as connection:
            return list(connection.execute(select(table)))
