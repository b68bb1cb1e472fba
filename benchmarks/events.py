"""Seeded events as bytes: what every contender is fed.

Of the events 85 % are transactions, 14 % logins, 1 % complaints; every field of the
model occurs and a record has about 380 bytes.  Customers are drawn uniformly and have
``EVENTS_PER_DAY`` events each; besides, at any time one customer is in a burst, with
1.5 % of the events, so that a rule on counts has something to find.  Event times ascend.
Each complaint passes through all statuses from received to closed, with one of 506 texts.

``end_ms`` is the event time of the last record.  A benchmark sets it to the moment of the
run, because a worker drops signals that are older than the quiet period of alerts.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Step

EVENTS_PER_DAY = 6
DAY_MS = 86_400_000
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
_SENTENCES = (
    "The transfer of last week has not arrived.",
    "Nobody at the branch could say why it takes so long.",
    "I was charged twice for one purchase and want the difference back.",
    "My new card still does not work abroad, which you had promised.",
    "The hotline kept me waiting for an hour and then hung up.",
    "You raised the interest on my loan without a letter.",
    "The app shows a balance that differs from the statement.",
    "An insurance was sold to me together with the mortgage.",
    "The cash machine kept my money and printed no receipt.",
    "Your letter names a payment that I do not know.",
    "The fee for the foreign transfer was never mentioned.",
    "I closed the account in spring, yet it is still debited.",
    "The adviser said that this fund could not lose value.",
    "My salary was returned to my employer for no reason.",
    "The limit of my card was lowered on the day of my journey.",
    "I have written three times and had no answer.",
    "Please put this right before the end of the month.",
    "I expect an apology and a written explanation.",
    "A colleague of yours was most unfriendly on the telephone.",
    "The form for the power of attorney was lost again.",
    "Since the update I cannot approve payments any more.",
    "My late father's account is blocked and the rent is due.",
    "The exchange rate was worse than the one on the screen.",
)  # a prime number, so that every stride visits all


class Record(NamedTuple):
    """One event as Kafka holds it; its broker timestamp is its event time."""

    stream: Stream
    key: bytes
    value: bytes
    time_ms: int


def span_ms(count: int, customers: int, per_day: int = EVENTS_PER_DAY) -> int:
    """The event time from the first to the last of ``count`` records."""
    return int((count - 1) * DAY_MS / (customers * per_day))


def events(
    count: int,
    *,
    customers: int,
    end_ms: int,
    seed: int = 7,
    per_day: int = EVENTS_PER_DAY,
    first_id: int = 0,
    only: Stream | None = None,
    everyone: bool = False,
) -> Iterator[Record]:
    """``count`` records in order of event time, the last at ``end_ms``.

    A customer has ``per_day`` events a day.  ``first_id`` numbers the first event: the engine
    drops an event id that it has seen.  ``only`` makes all records of one stream.  ``everyone``
    takes the customers in turn instead of at random; a complaint stays with its first customer.
    """
    rng, cases = np.random.default_rng(seed), _Cases()
    gap_ms = DAY_MS / (customers * per_day)
    start_ms = end_ms - span_ms(count, customers, per_day)
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
        yield from _block(first_id + first, who, times, streams, cases, rng)


def _block(
    first: int,
    who: NDArray[np.int64],
    times: NDArray[np.int64],
    streams: NDArray[np.int64],
    cases: "_Cases",
    rng: np.random.Generator,
) -> Iterator[Record]:
    n = len(who)
    amounts = np.round(rng.lognormal(5.5, 1.2, n), 2).tolist()
    draws = rng.integers(0, 1 << 30, (4, n)).tolist()
    for number, customer, time, stream, amount, a, b, c, d in zip(
        range(first, first + n),
        who.tolist(),
        times.tolist(),
        streams.tolist(),
        amounts,
        *draws,
        strict=True,
    ):
        if _STREAMS[stream] is Stream.COMPLAINT:
            owner, text = cases.write(number, customer, time, amount, b, c)
        else:
            write = _transaction if _STREAMS[stream] is Stream.TRANSACTION else _login
            owner, text = customer, write(number, customer, time, amount, a, b, c, d)
        yield Record(_STREAMS[stream], b"C%07d" % owner, text.encode(), time)


def _transaction(
    number: int, who: int, time: int, amount: float, a: int, b: int, c: int, d: int
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
        f'{{"event_id":"T{number:09d}","event_time":{time},"customer_id":"C{who:07d}",'
        f'"kind":"{kind}","direction":"{"debit" if c % 5 else "credit"}","amount":{amount},'
        f'"currency":"CNY","status":"{_STATUS[d % 40]}","account_id":"A{who:07d}",'
        f'"channel":"{_CHANNELS[a % 5]}","product":"current_account",{other},'
        f'"device_id":"D{who:07d}","ip":"10.{who >> 8 & 255}.{who & 255}.{d & 3}","country":"CN",'
        f'"lat":{31 + who % 100 / 100},"lon":{121 + who % 70 / 100},'
        f'"balance_after":{c % 1_000_000 / 10}}}'
    )


def _login(number: int, who: int, time: int, _amount: float, a: int, b: int, c: int, d: int) -> str:
    success = bool(a % 20)
    failure = "" if success else '"failure_reason":"bad_password",'
    return (
        f'{{"event_id":"L{number:09d}","event_time":{time},"customer_id":"C{who:07d}",'
        f'"kind":"{_LOGIN_KINDS[b % 20] if success else "login"}",'
        f'"success":{"true" if success else "false"},{failure}'
        f'"method":"password","channel":"mobile","device_id":"D{who:07d}-{c % 50 // 49}",'
        f'"ip":"10.{who >> 8 & 255}.{who & 255}.{d & 3}","asn":"AS4134","user_agent":"{_AGENT}",'
        f'"country":"CN","lat":{31 + who % 100 / 100},"lon":{121 + who % 70 / 100},'
        f'"session_id":"S{number:09d}"}}'
    )


class _Cases:
    """Writes one complaint after another; each passes through all statuses before the next."""

    def __init__(self) -> None:
        self._written, self._who, self._case, self._text = 0, 0, 0, ""

    def write(
        self, number: int, who: int, time: int, amount: float, b: int, c: int
    ) -> tuple[int, str]:
        """The customer and record of the next status; ``who`` files the next new complaint."""
        status = _COMPLAINT_STATUS[self._written % len(_COMPLAINT_STATUS)]
        if status == "received":
            self._who, self._case = who, number
            step = 1 + b % (len(_SENTENCES) - 1)
            chosen = ((c + each * step) % len(_SENTENCES) for each in range(5))
            self._text = " ".join(_SENTENCES[each] for each in chosen)
        self._written += 1
        return self._who, (
            f'{{"event_id":"X{number:09d}","event_time":{time},"complaint_id":"K{self._case:09d}",'
            f'"customer_id":"C{self._who:07d}","status":"{status}",'
            f'"channel":"{_COMPLAINT_CHANNELS[self._case % 3]}","product":"current_account",'
            f'"category":"transfer","branch_id":"B{self._case % 300:03d}",'
            f'"amount_involved":{amount},"text":"{self._text}"}}'
        )


def steps(records: Iterator[Record], size: int) -> Iterator[Step]:
    """Steps of ``size`` records, one chunk a stream, processed when the last was recorded."""
    offsets = dict.fromkeys(_STREAMS, 0)
    while batch := list(islice(records, size)):
        chunks = {
            stream: Chunk(stream, f"bench.{stream}", 0, [], [], [], []) for stream in _STREAMS
        }
        for record in batch:
            chunk = chunks[record.stream]
            chunk.offsets.append(offsets[record.stream])
            offsets[record.stream] += 1
            chunk.recorded_ms.append(record.time_ms)
            chunk.keys.append(record.key)
            chunk.values.append(record.value)
        yield Step(batch[-1].time_ms, [chunk for chunk in chunks.values() if chunk.values])
