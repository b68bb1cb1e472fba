"""Local accounts of the desk: users, logins and sessions."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from sentinel.database import Database
from sentinel.desk import attempts, sessions
from sentinel.desk.attempts import Refusal
from sentinel.desk.audit import Action, Entry, append
from sentinel.desk.passwords import OverloadedError, PasswordError, Passwords
from sentinel.desk.roles import Permission, Role, may
from sentinel.desk.sessions import Limits, csrf_of, hash_of
from sentinel.desk.tables import LOGINS, SESSIONS, USERS, wait_for_turn

MOST_USERS = 10_000
UNKNOWN = "?"
"""The actor of a login under a name that nobody has: what was typed may be a password."""
_NAME = re.compile(r"\w[\w.@-]{0,63}")
_LONGEST_DESK = 64
_PUBLIC = [each for each in USERS.c if each is not USERS.c.password]


class AccountError(Exception):
    """An account cannot be made or changed so; the message tells why."""


@unique
class Limit(StrEnum):
    """A limit that was hit without a refusal."""

    SESSIONS = "sessions"  # a user's oldest session was ended


@dataclass(frozen=True, slots=True)
class User:
    """An account; ``desk`` is the owner of the rules whose alerts are this user's."""

    name: str
    role: Role
    desk: str | None
    enabled: bool
    created_ms: int
    changed_ms: int
    login_ms: int | None

    def may(self, permission: Permission) -> bool:
        """Whether the user's role has a permission."""
        return may(self.role, permission)


@dataclass(frozen=True, slots=True)
class Session:
    """A user who has just logged in; ``token`` goes into the cookie and is stored nowhere."""

    user: User
    token: str = field(repr=False)
    ends_ms: int

    @property
    def csrf(self) -> str:
        """What the session's forms hold."""
        return csrf_of(self.token)


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """Why nobody was logged in; for logs and counters, not for the page."""

    reason: Refusal


def _uncounted(_: Refusal | Limit) -> None:
    """Count nothing."""


class Accounts:
    """Users, their logins and sessions in a database; calls block, and raise DatabaseError.

    ``count`` is called with each refused login and each limit that was hit, by any thread.
    Changes and logins are lines of the audit log, in the same transaction.
    """

    def __init__(
        self,
        database: Database,
        *,
        passwords: Passwords | None = None,
        limits: Limits | None = None,
        count: Callable[[Refusal | Limit], None] = _uncounted,
    ) -> None:
        self._database = database
        self._passwords = Passwords() if passwords is None else passwords
        self._limits = Limits() if limits is None else limits
        self._count = count

    def users(self) -> list[User]:
        """All users by name, disabled ones too."""
        with self._database.reading() as connection:
            rows = connection.execute(select(*_PUBLIC).order_by(USERS.c.name)).all()
        return [_user(row) for row in rows]

    def user(self, name: str) -> User | None:
        """The user of a name; None if nobody has it."""
        with self._database.reading() as connection:
            return _find(connection, _canonical(name))

    def add(
        self, name: str, role: Role, password: str, *, actor: str, now_ms: int, desk: str = ""
    ) -> User:
        """Add a user; raises AccountError for a name or password that nobody may have."""
        name, desk = _checked(name), _desk(desk)
        hashed = self._hash(password)
        with self._database.writing() as connection:
            wait_for_turn(connection)
            if _find(connection, name) is not None:
                raise AccountError(f"{name} exists already")
            if (connection.scalar(select(func.count()).select_from(USERS)) or 0) >= MOST_USERS:
                raise AccountError(f"there are {MOST_USERS} users, and no more are allowed")
            user = User(name, role, desk or None, True, now_ms, now_ms, None)
            values = {each.name: getattr(user, each.name) for each in _PUBLIC}
            values |= {"role": role.value, "password": hashed}
            connection.execute(insert(USERS).values(values))
            detail = f"role {role}" + (f", desk {desk}" if desk else "")
            _note(connection, now_ms, actor, Action.USER_ADDED, name, detail)
        return user

    def change(
        self,
        name: str,
        *,
        actor: str,
        now_ms: int,
        role: Role | None = None,
        desk: str | None = None,
        enabled: bool | None = None,
    ) -> User:
        """Change what is given; an empty ``desk`` is none.  Raises AccountError.

        The user's sessions end if the role changes or the account is disabled.
        """
        wanted: dict[str, Any] = {}
        if role is not None:
            wanted["role"] = role
        if desk is not None:
            wanted["desk"] = _desk(desk) or None
        if enabled is not None:
            wanted["enabled"] = enabled
        with self._database.writing() as connection:
            wait_for_turn(connection)
            user = _existing(connection, name)
            new = {key: value for key, value in wanted.items() if value != getattr(user, key)}
            if not new:
                return user
            _update(connection, user.name, {**new, "changed_ms": now_ms})
            if "role" in new or new.get("enabled") is False:
                sessions.end_all(connection, user.name)
            detail = ", ".join(
                f"{key} {getattr(user, key)} -> {value}" for key, value in new.items()
            )
            _note(connection, now_ms, actor, Action.USER_CHANGED, user.name, detail)
            return _existing(connection, name)

    def set_password(self, name: str, password: str, *, actor: str, now_ms: int) -> None:
        """Give a user a new password and end the user's sessions; raises AccountError."""
        hashed = self._hash(password)
        with self._database.writing() as connection:
            wait_for_turn(connection)
            user = _existing(connection, name)
            _update(connection, user.name, {"password": hashed, "changed_ms": now_ms})
            sessions.end_all(connection, user.name)
            _note(connection, now_ms, actor, Action.PASSWORD_CHANGED, user.name, "")

    def login(self, name: str, password: str, address: str, now_ms: int) -> Session | LoginRefused:
        """A new session of a user, or why there is none.

        An unknown name is as much work as a known one.  The transaction is not open while the
        password is checked; so what it was checked against is compared again afterwards.
        """
        name, address = _canonical(name), attempts.network(address)
        with self._database.writing() as connection:
            wait_for_turn(connection)
            attempt = attempts.admit(connection, name, address, now_ms)
            query = select(USERS.c.password).where(USERS.c.name == name)
            hashed = connection.scalar(query)
        if isinstance(attempt, Refusal):
            return self._refused(attempt)
        try:
            right = self._passwords.is_right(password, hashed)
        except OverloadedError:
            with self._database.writing() as connection:
                attempts.withdraw(connection, attempt)
            return self._refused(Refusal.OVERLOADED)
        renewed = self._passwords.renewed(password, hashed) if right and hashed else None
        with self._database.writing() as connection:
            wait_for_turn(connection)
            query = select(USERS.c.password, USERS.c.enabled).where(USERS.c.name == name)
            row = connection.execute(query).one_or_none()
            reason = _refusal(row, hashed, right)
            if reason is None:
                attempts.withdraw(connection, attempt)
                values = {"login_ms": now_ms, "password": renewed or hashed}
                _update(connection, name, values)
                token, ended = sessions.start(connection, name, now_ms, self._limits)
                append(connection, Entry(now_ms, name, Action.LOGIN, "address", address))
                user = _existing(connection, name)
            else:
                actor, why = UNKNOWN if row is None else name, reason.value
                append(
                    connection,
                    Entry(now_ms, actor, Action.LOGIN_REFUSED, "address", address, why),
                )
        if reason is not None:
            return self._refused(reason)
        for _ in range(ended):
            self._count(Limit.SESSIONS)
        return Session(user, token, now_ms + self._limits.absolute_ms)

    def user_of(self, token: str, now_ms: int, *, used: bool = True) -> User | None:
        """The user of a session that has not ended; None if there is none.

        The idle limit starts anew, unless ``used`` is false: what a page asks for by itself does
        not keep a session alive.  It starts at most ``Limits.rest_ms`` early.
        """
        hashed = hash_of(token)
        mine = SESSIONS.c.hash == hashed
        query = (
            select(*_PUBLIC, SESSIONS.c.seen_ms)
            .join_from(SESSIONS, USERS, SESSIONS.c.name == USERS.c.name)
            .where(mine, USERS.c.enabled, *self._limits.alive(now_ms))
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        if used and now_ms - row.seen_ms >= self._limits.rest_ms:
            with self._database.writing() as connection:
                connection.execute(update(SESSIONS).where(mine).values(seen_ms=now_ms))
        return _user(row[:-1])

    def close(self, token: str, now_ms: int) -> bool:
        """End a session; false if there is none."""
        mine = SESSIONS.c.hash == hash_of(token)
        with self._database.writing() as connection:
            wait_for_turn(connection)
            name = connection.scalar(select(SESSIONS.c.name).where(mine))
            if name is None:
                return False
            connection.execute(delete(SESSIONS).where(mine))
            append(connection, Entry(now_ms, name, Action.LOGOUT))
        return True

    def prune(self, now_ms: int) -> Counter[str]:
        """Delete sessions that have ended and logins that no limit counts; counts rows by table."""
        gone: Counter[str] = Counter()
        with self._database.writing() as connection:
            gone[SESSIONS.name] = sessions.prune(connection, now_ms, self._limits)
            gone[LOGINS.name] = attempts.prune(connection, now_ms)
        return +gone

    def _refused(self, reason: Refusal) -> LoginRefused:
        self._count(reason)
        return LoginRefused(reason)

    def _hash(self, password: str) -> str:
        try:
            return self._passwords.hash(password)
        except PasswordError as error:
            raise AccountError(str(error)) from None
        except OverloadedError:
            raise AccountError("too many passwords are being checked: try again") from None


def _refusal(row: Any, checked: str | None, right: bool) -> Refusal | None:
    """Why a login is refused, from the user's row now and the hash that was checked."""
    if row is None:
        return Refusal.UNKNOWN_NAME
    if not right or row.password != checked:
        return Refusal.WRONG_PASSWORD
    return None if row.enabled else Refusal.DISABLED


def _find(connection: Connection, name: str) -> User | None:
    row = connection.execute(select(*_PUBLIC).where(USERS.c.name == name)).one_or_none()
    return None if row is None else _user(row)


def _existing(connection: Connection, name: str) -> User:
    name = _canonical(name)
    user = _find(connection, name)
    if user is None:
        raise AccountError(f"there is no user {name}")
    return user


def _user(row: Any) -> User:
    name, role, *rest = row
    return User(name, Role(role), *rest)


def _update(connection: Connection, name: str, values: dict[str, Any]) -> None:
    connection.execute(update(USERS).where(USERS.c.name == name).values(values))


def _note(
    connection: Connection, now_ms: int, actor: str, action: Action, name: str, detail: str
) -> None:
    append(connection, Entry(now_ms, actor, action, "user", name, detail))


def _canonical(name: str) -> str:
    """A name as it is stored: however somebody writes it, it is one user's."""
    whole = name[: 4 * _LONGEST_DESK].encode(errors="replace").decode()
    return unicodedata.normalize("NFKC", whole).replace("\0", "\ufffd").strip().lower()


def _checked(name: str) -> str:
    name = _canonical(name)
    if not _NAME.fullmatch(name):
        raise AccountError(
            "a name has at most 64 letters, digits, '.', '_', '@' and '-', a letter or digit first"
        )
    return name


def _desk(desk: str) -> str:
    if len(desk) > _LONGEST_DESK or not desk.isprintable():
        raise AccountError(f"a desk has at most {_LONGEST_DESK} characters")
    return desk.strip()
