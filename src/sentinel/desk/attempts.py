"""Rate limits of logins: how many may fail, by name and by address, in a sliding window.

An attempt is stored before its password is checked, and deleted if it was right: so a hundred
attempts at once are not all within the limit.
"""

import hashlib
import ipaddress
from enum import StrEnum, unique

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from sentinel.desk.tables import LOGINS

WINDOW_MS = 15 * 60_000
MOST_BY_NAME = 10
MOST_BY_ADDRESS = 50
"""A proxy of a whole office is one address."""
MOST = 100_000
"""Attempts of all names and addresses together."""
_LONGEST_ADDRESS = 64


@unique
class Refusal(StrEnum):
    """Why somebody is not logged in.  Show one text for all: a reason tells who has an account."""

    UNKNOWN_NAME = "unknown_name"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - the name of a reason
    DISABLED = "disabled"
    NAME_LIMIT = "name_limit"
    ADDRESS_LIMIT = "address_limit"
    TOTAL_LIMIT = "total_limit"
    OVERLOADED = "overloaded"  # too many passwords are being checked


def network(address: str) -> str:
    """What is counted as one address: of IPv6 the network of 64 bits that one household has."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address.encode(errors="replace").decode().replace("\0", "")[:_LONGEST_ADDRESS]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def admit(connection: Connection, name: str, address: str, now_ms: int) -> int | Refusal:
    """Count an attempt; its number, or why its password is not even checked.

    An attempt that is refused here is not stored: nobody prolongs a limit by trying.
    """
    hashed = _hash(name)
    limits: tuple[tuple[Refusal, int, list[ColumnElement[bool]]], ...] = (
        (Refusal.NAME_LIMIT, MOST_BY_NAME, [LOGINS.c.name_hash == hashed]),
        (Refusal.ADDRESS_LIMIT, MOST_BY_ADDRESS, [LOGINS.c.address == address]),
        (Refusal.TOTAL_LIMIT, MOST, []),
    )
    for refusal, most, wanted in limits:
        if _count(connection, wanted, now_ms) >= most:
            return refusal
    row = insert(LOGINS).values(name_hash=hashed, address=address, at_ms=now_ms)
    (number,) = connection.execute(row).inserted_primary_key or (0,)
    return int(number)


def withdraw(connection: Connection, number: int) -> None:
    """Count an attempt no more: its password was right, or has not been checked."""
    connection.execute(delete(LOGINS).where(LOGINS.c.number == number))


def prune(connection: Connection, now_ms: int) -> int:
    """Delete the attempts that have left the window; counts rows."""
    return connection.execute(delete(LOGINS).where(LOGINS.c.at_ms <= now_ms - WINDOW_MS)).rowcount


def _count(connection: Connection, wanted: list[ColumnElement[bool]], now_ms: int) -> int:
    query = select(func.count()).select_from(LOGINS)
    return connection.scalar(query.where(LOGINS.c.at_ms > now_ms - WINDOW_MS, *wanted)) or 0


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()
