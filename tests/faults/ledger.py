"""A seeded generator of events, and the ledger of what it has given away."""

import random
import time
from collections.abc import Callable

import msgspec

from sentinel.model.events import Event, Login, Stream, Transaction
from sentinel.model.response import Control

Fed = tuple[Stream | Control, str, bytes]
HOSTILE = "hostile"
"""The header of records that an undisturbed run does not have."""
Draw = Callable[[random.Random], int]
Spoilable = tuple[Stream, str, bytes]
_AHEAD_MS = 60_000
_SPACING_US = 1_667


class Ledger:
    """Events by seed, and every record of them that was fed.

    Event times run a minute ahead of the clock, so that no timer of a step's ``now`` takes part
    and the pure engine gives the same alerts wherever it cuts.  With ``logins`` and the payees that
    all share, alerts also depend on the order in which topics arrive, which only the journal knows.
    """

    def __init__(
        self, seed: int, *, logins: bool = True, customers: int = 40, ahead_ms: int = _AHEAD_MS
    ) -> None:
        self.records: list[Fed] = []
        self.logins = logins
        self.draw = random.Random(seed)
        self._customers, self._count = customers, 0
        self.spacing_us = _SPACING_US
        self._moment_us = time.time_ns() // 1_000 + ahead_ms * 1_000

    def more(self, count: int, skew_ms: Draw | None = None, zipf: float | None = None) -> list[Fed]:
        """The next events; ``skew_ms`` moves each one's time, ``zipf`` prefers few customers."""
        new = [self._next(skew_ms, zipf) for _ in range(count)]
        self.records += new
        return new

    def add(self, records: list[Fed]) -> list[Fed]:
        """Enter records of another making."""
        self.records += records
        return records

    def _next(self, skew_ms: Draw | None, zipf: float | None) -> Fed:
        draw, number = self.draw, self._count
        self._count += 1
        rank = draw.paretovariate(zipf) if zipf else draw.uniform(1, self._customers + 1)
        customer = f"C{int(rank) % self._customers}"
        self._moment_us += self.spacing_us
        moment = self._moment_us // 1_000 + (skew_ms(draw) if skew_ms else 0)
        event: Event
        if self.logins and draw.random() < 0.3:
            event = Login(
                event_id=f"l{number}",
                event_time=moment,
                customer_id=customer,
                kind=draw.choice(["login", "login", "password_change", "mfa_change"]),
                success=draw.random() < 0.5,
                device_id=f"d{draw.randrange(3)}",
                ip=f"10.0.0.{draw.randrange(20)}",
            )
            return Stream.LOGIN, customer, msgspec.json.encode(event)
        event = Transaction(
            event_id=f"t{number}",
            event_time=moment,
            customer_id=customer,
            kind=draw.choice(["card", "transfer", "cash"]),
            direction=draw.choice(["debit", "credit"]),
            amount=round(draw.lognormvariate(4, 2.5), 2),
            status=draw.choice(["approved", "approved", "declined"]),
            counterparty_id=self._payee(customer),
            merchant_id=f"m{draw.randrange(30)}",
        )
        return Stream.TRANSACTION, customer, msgspec.json.encode(event)

    def _payee(self, customer: str) -> str:
        """One of few that all share; of the customer's own where the ledger must decide alone.

        A shared payee grows risky, and who meets it then is a matter of arrival, too.
        """
        return f"p{'' if self.logins else customer + '-'}{self.draw.randrange(30)}"


def spoiled(draw: random.Random, good: list[Spoilable]) -> tuple[Stream, bytes]:
    """Random bytes, or a good event broken in one of many ways; never an event."""
    stream, _, value = draw.choice(good)
    fields = msgspec.json.decode(value)
    kind = draw.randrange(9)
    if kind == 0:
        return stream, draw.randbytes(draw.randrange(1, 300))
    if kind == 1:
        return stream, value[: draw.randrange(1, len(value) - 1)]
    if kind == 2:
        del fields[draw.choice(["event_id", "event_time", "customer_id", "kind"])]
    elif kind == 3:
        fields[draw.choice(list(fields))] = draw.choice([[], {}, {"a": [1]}])
    elif kind == 4:
        fields["event_time"] = draw.choice(
            [2**63, -1, "yesterday", 4_000_000_000_000, True, 10**30]
        )
    elif kind == 5:
        return stream, b'{"x":' * draw.randrange(2, 5_000)
    elif kind == 6:
        return stream, draw.choice([b"NaN", b"[]", b"null", b"", b"{}", b"123", b'"text"'])
    elif kind == 7:
        fields["customer_id"] = draw.choice(["", "x" * 500, 5, None])
    else:
        return stream, value.replace(b'"event_id"', b'"event_id', 1)
    return stream, msgspec.json.encode(fields)
