"""Seeded events as bytes: what every contender is fed.

Of the events 85 % are transactions, 14 % logins, 1 % complaints; every field of the
model occurs and a record has about 380 bytes.  Customers are drawn uniformly and have
``EVENTS_PER_DAY`` events each; besides, at any time one customer is in a burst, with
1.5 % of the events, so that a rule on counts has something to find.  Event times ascend.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Step

START_MS = 1_767_571_200_000  # 2026-01-05T00:00:00Z
EVENTS_PER_DAY = 6
_BURST_EVENTS = 2_000  # of all customers, while one is in a burst
_BURST_SHARE = 0.015
_SHARES = {Stream.TRANSACTION: 0.85, Stream.LOGIN: 0.14, Stream.COMPLAINT: 0.01}
_STREAMS = tuple(_SHARES)
_KINDS = ("card",) * 5 + ("transfer",) * 3 + ("cash", "repayment", "investment", "fx", "fee")
_CHANNELS = ("mobile", "online", "pos", "atm", "branch")
_STATUS = ("approved",) * 38 + ("declined", "reversed")
_MCC = ("5411", "5812", "5541", "5732", "4111", "5912", "7011", "5651")
_LOGIN_KINDS = ("login",) * 17 + ("logout", "password_change", "payee_added")
_COMPLAINT_STATUS = ("received", "investigating", "resolved", "replied", "closed")
_COMPLAINT_CHANNELS = ("hotline", "app", "branch")
_AGENT = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile"
_TEXT = "The transfer of last week has not arrived and nobody at the branch could say why."


class Record(NamedTuple):
    """One event as Kafka holds it."""

    stream: Stream
    key: bytes
    value: bytes


def events(
    count: int,
    *,
    customers: int,
    seed: int = 7,
    start_ms: int = START_MS,
    only: Stream | None = None,
    everyone: bool = False,
) -> Iterator[Record]:
    """``count`` records in order of event time.

    ``only`` makes them all of one stream; ``everyone`` takes the customers in turn, each
    equally often, instead of by chance.
    """
    rng = np.random.default_rng(seed)
    gap_ms = 86_400_000 / (customers * EVENTS_PER_DAY)
    for first in range(0, count, _BURST_EVENTS):
        n = min(_BURST_EVENTS, count - first)
        who = (first + np.arange(n)) % customers if everyone else rng.integers(0, customers, n)
        if not everyone:
            who[rng.random(n) < _BURST_SHARE] = rng.integers(0, customers)
        times = start_ms + ((first + np.arange(n)) * gap_ms).astype(np.int64)
        if only is None:
            streams = rng.choice(len(_STREAMS), n, p=list(_SHARES.values()))
        else:
            streams = np.full(n, _STREAMS.index(only))
        yield from _block(first, who, times, streams, rng)


def _block(
    first: int,
    who: NDArray[np.int64],
    times: NDArray[np.int64],
    streams: NDArray[np.int64],
    rng: np.random.Generator,
) -> Iterator[Record]:
    n = len(who)
    amounts = np.round(rng.lognormal(5.5, 1.2, n), 2).tolist()
    draws = rng.integers(0, 1 << 30, (4, n)).tolist()
    for place, customer, time, stream, amount, a, b, c, d in zip(
        range(first, first + n),
        who.tolist(),
        times.tolist(),
        streams.tolist(),
        amounts,
        *draws,
        strict=True,
    ):
        write = _WRITERS[stream]
        text = write(place, customer, time, amount, a, b, c, d)
        yield Record(_STREAMS[stream], b"C%07d" % customer, text.encode())


def _transaction(
    place: int, who: int, time: int, amount: float, a: int, b: int, c: int, d: int
) -> str:
    kind = _KINDS[a % 13]
    if kind == "card":
        amount = round(amount / 4, 2)
        other = f'"merchant_id":"M{b % 5000:05d}","mcc":"{_MCC[b & 7]}","limit_used":{b % 90 / 100}'
    elif kind == "repayment":
        other = f'"days_past_due":{d % 7 // 6 * 12}'
    else:
        other = f'"counterparty_id":"P{(who * 31 + b % 6) % 100_000:06d}"'
    return (
        f'{{"event_id":"T{place:09d}","event_time":{time},"customer_id":"C{who:07d}",'
        f'"kind":"{kind}","direction":"{"debit" if c % 5 else "credit"}","amount":{amount},'
        f'"currency":"CNY","status":"{_STATUS[d % 40]}","account_id":"A{who:07d}",'
        f'"channel":"{_CHANNELS[a % 5]}","product":"current_account",{other},'
        f'"device_id":"D{who:07d}","ip":"10.{who >> 8 & 255}.{who & 255}.{d & 3}","country":"CN",'
        f'"lat":{31 + who % 100 / 100},"lon":{121 + who % 70 / 100},'
        f'"balance_after":{c % 1_000_000 / 10}}}'
    )


def _login(place: int, who: int, time: int, _amount: float, a: int, b: int, c: int, d: int) -> str:
    success = bool(a % 20)
    failure = "" if success else '"failure_reason":"bad_password",'
    return (
        f'{{"event_id":"L{place:09d}","event_time":{time},"customer_id":"C{who:07d}",'
        f'"kind":"{_LOGIN_KINDS[b % 20] if success else "login"}",'
        f'"success":{"true" if success else "false"},{failure}'
        f'"method":"password","channel":"mobile","device_id":"D{who:07d}-{c % 50 // 49}",'
        f'"ip":"10.{who >> 8 & 255}.{who & 255}.{d & 3}","asn":"AS4134","user_agent":"{_AGENT}",'
        f'"country":"CN","lat":{31 + who % 100 / 100},"lon":{121 + who % 70 / 100},'
        f'"session_id":"S{place:09d}"}}'
    )


def _complaint(
    place: int, who: int, time: int, amount: float, a: int, b: int, c: int, _d: int
) -> str:
    return (
        f'{{"event_id":"X{place:09d}","event_time":{time},"complaint_id":"K{place:09d}",'
        f'"customer_id":"C{who:07d}","status":"{_COMPLAINT_STATUS[a % 5]}",'
        f'"channel":"{_COMPLAINT_CHANNELS[b % 3]}","product":"current_account",'
        f'"category":"transfer","branch_id":"B{c % 300:03d}","amount_involved":{amount},'
        f'"text":"{_TEXT}"}}'
    )


_WRITERS = (_transaction, _login, _complaint)


def steps(records: Iterator[Record], size: int) -> Iterator[Step]:
    """Steps of ``size`` records, one chunk a stream, as a shard would take them."""
    offsets = dict.fromkeys(_STREAMS, 0)
    while taken := list(islice(records, size)):
        chunks = {
            stream: Chunk(stream, f"bench.{stream}", 0, [], [], [], []) for stream in _STREAMS
        }
        for record in taken:
            chunk = chunks[record.stream]
            chunk.offsets.append(offsets[record.stream])
            offsets[record.stream] += 1
            chunk.recorded_ms.append(0)
            chunk.keys.append(record.key)
            chunk.values.append(record.value)
        yield Step(START_MS, [chunk for chunk in chunks.values() if chunk.values])
