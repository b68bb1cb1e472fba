"""Passwords of local accounts: which are allowed, and their argon2id hashes."""

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 1_024
FEWEST_DIFFERENT = 5
MOST_AT_ONCE = 4
"""Passwords that are hashed at the same time: each needs 64 MiB and a core."""
_LONGEST_WAIT_S = 2.0


class PasswordError(Exception):
    """Nobody may have this password; the message tells what to change, without the password."""


class OverloadedError(Exception):
    """Too many passwords are being hashed."""


class Passwords:
    """Hashes and checks passwords; calls block, for about 50 ms with argon2's defaults.

    A password is normalised (NFKC), so that it does not depend on the keyboard's way to compose
    a character.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = PasswordHasher() if hasher is None else hasher
        self._turns = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """The hash of a new password; raises PasswordError and OverloadedError."""
        normal = _normal(password)
        if len(normal) < SHORTEST:
            raise PasswordError(f"a password has at least {SHORTEST} characters")
        if len(password) > LONGEST:
            raise PasswordError(f"a password has at most {LONGEST} characters")
        if len(set(normal)) < FEWEST_DIFFERENT:
            raise PasswordError(f"a password has at least {FEWEST_DIFFERENT} different characters")
        return self._hashed(normal)

    def is_right(self, password: str, hashed: str | None) -> bool:
        """Whether a hash is the password's; None is the hash of a user who does not exist.

        That is as much work as a check of a user's password.  Raises OverloadedError.
        """
        wanted = self._nobodys if hashed is None or len(password) > LONGEST else hashed
        self._wait()
        try:
            self._hasher.verify(wanted, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        finally:
            self._turns.release()
        return wanted is hashed

    def renewed(self, password: str, hashed: str) -> str | None:
        """A new hash of a right password if the old one has other parameters than new ones have."""
        if not self._hasher.check_needs_rehash(hashed):
            return None
        try:
            return self._hashed(_normal(password))
        except OverloadedError:
            return None

    def _hashed(self, normal: str) -> str:
        self._wait()
        try:
            return self._hasher.hash(normal)
        finally:
            self._turns.release()

    def _wait(self) -> None:
        if not self._turns.acquire(timeout=_LONGEST_WAIT_S):
            raise OverloadedError


def _normal(password: str) -> str:
    # Half of a surrogate pair has no UTF-8; a browser never sends one.
    whole = password[:LONGEST].encode(errors="replace").decode()
    return unicodedata.normalize("NFKC", whole)
