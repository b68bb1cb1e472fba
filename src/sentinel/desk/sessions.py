"""Sessions of the desk: random tokens of which only hashes are stored."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select

from sentinel.desk.tables import SESSIONS

MOST_SESSIONS = 5
"""Sessions of one user; a further login ends the oldest."""
_TOKEN_BYTES = 32
_LONGEST_TOKEN = 128  # what a browser sends may be anything
_CSRF = b"sentinel desk: a form of this session"


@dataclass(frozen=True, slots=True)
class Limits:
    """A session ends ``idle_ms`` after it was last used, and ``absolute_ms`` after its login."""

    idle_ms: int = 30 * 60_000
    absolute_ms: int = 10 * 60 * 60_000

    @property
    def rest_ms(self) -> int:
        """A use so soon after the one that was noted is not noted: not every page is a write."""
        return self.idle_ms // 60

    def alive(self, now_ms: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """The condition of sessions that have not ended."""
        return (
            SESSIONS.c.opened_ms > now_ms - self.absolute_ms,
            SESSIONS.c.seen_ms > now_ms - self.idle_ms,
        )

    def ended(self, now_ms: int) -> ColumnElement[bool]:
        """The condition of sessions that have ended."""
        return or_(
            SESSIONS.c.opened_ms <= now_ms - self.absolute_ms,
            SESSIONS.c.seen_ms <= now_ms - self.idle_ms,
        )


def csrf_of(token: str) -> str:
    """The token that every form of a session holds: who does not know the session's cannot make it.

    It is an HMAC under the session's token, so nothing is stored, and it ends with the session.
    """
    return hmac.new(_bytes(token), _CSRF, hashlib.sha256).hexdigest()


def is_csrf_right(token: str, given: str) -> bool:
    """Whether a form was made in the session, compared in constant time."""
    return hmac.compare_digest(csrf_of(token).encode(), _bytes(given))


def hash_of(token: str) -> str:
    """What is stored of a token; of one that is too long to be ours, nothing has this hash."""
    return hashlib.sha256(_bytes(token)).hexdigest() if len(token) <= _LONGEST_TOKEN else ""


def start(connection: Connection, name: str, now_ms: int, limits: Limits) -> tuple[str, int]:
    """Start a session of a user; its token, and how many older ones had to end for it."""
    mine = SESSIONS.c.name == name
    connection.execute(delete(SESSIONS).where(mine, limits.ended(now_ms)))
    query = select(SESSIONS.c.hash).where(mine)
    newest_first = query.order_by(SESSIONS.c.opened_ms.desc(), SESSIONS.c.seen_ms.desc())
    too_many = list(connection.scalars(newest_first))[MOST_SESSIONS - 1 :]
    connection.execute(delete(SESSIONS).where(SESSIONS.c.hash.in_(too_many)))
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    row = {"hash": hash_of(token), "name": name, "opened_ms": now_ms, "seen_ms": now_ms}
    connection.execute(insert(SESSIONS).values(row))
    return token, len(too_many)


def end_all(connection: Connection, name: str) -> int:
    """End every session of a user; counts them."""
    return connection.execute(delete(SESSIONS).where(SESSIONS.c.name == name)).rowcount


def prune(connection: Connection, now_ms: int, limits: Limits) -> int:
    """Delete the sessions that have ended; counts rows."""
    return connection.execute(delete(SESSIONS).where(limits.ended(now_ms))).rowcount


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
