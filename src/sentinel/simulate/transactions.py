"""Ordinary transactions: cards, transfers, cash, loans, investments, currency, fees."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentinel.model.events import Direction, Transaction, TransactionKind, TransactionStatus
from sentinel.simulate.places import CITIES
from sentinel.simulate.population import (
    MERCHANTS,
    PAYEES,
    Floats,
    Ints,
    Population,
    account_id,
    customer_id,
    device_id,
    ip_address,
    merchant_id,
    payee_id,
    usual,
)


class _Sort(NamedTuple):
    """A sort of transaction: share of all, amount against the usual payment, outflow share."""

    kind: TransactionKind
    share: float
    amount: float
    out: float
    channel: str
    product: str


_SORTS = (
    _Sort("card", 0.34, 0.6, 0.99, "pos", "credit_card"),
    _Sort("card", 0.16, 0.4, 0.99, "online", "debit_card"),
    _Sort("transfer", 0.30, 1.6, 0.72, "mobile", "current_account"),
    _Sort("cash", 0.04, 4.0, 0.70, "atm", "current_account"),
    _Sort("cash", 0.01, 12.0, 0.40, "branch", "savings_account"),
    _Sort("repayment", 0.06, 6.0, 1.00, "mobile", "consumer_loan"),
    _Sort("investment", 0.05, 8.0, 0.70, "mobile", "wealth_fund"),
    _Sort("fx", 0.01, 5.0, 0.60, "mobile", "fx_spot"),
    _Sort("fee", 0.03, 0.02, 1.00, "core", "current_account"),
)
_SHARES = np.cumsum([sort.share for sort in _SORTS])
_AMOUNTS = np.array([sort.amount for sort in _SORTS])
_OUT = np.array([sort.out for sort in _SORTS])
_CARD = np.array([sort.kind == "card" for sort in _SORTS])
_TRANSFER = np.array([sort.kind == "transfer" for sort in _SORTS])
_REPAYMENT = np.array([sort.kind == "repayment" for sort in _SORTS])
_REMOTE = np.array([sort.channel in {"mobile", "online"} for sort in _SORTS])
_MCC = ("5411", "5812", "5541", "5732", "4111", "5912", "7011", "5651")
_FX = ("USD", "EUR", "HKD", "JPY")
_FX_RATES = np.array([7.1, 7.8, 0.91, 0.047])
_STATUS: tuple[TransactionStatus, ...] = ("approved", "declined", "reversed")
_DIRECTIONS: tuple[Direction, ...] = ("credit", "debit")
_HABITUAL = 6  # payees that a customer pays again and again


def draw_transactions(
    people: Population, who: Ints, times: Ints, ids: Sequence[str], rng: np.random.Generator
) -> list[Transaction]:
    """One transaction for each customer ``who`` at each of ``times`` (ms), in that order."""
    n = len(who)
    sort = np.searchsorted(_SHARES, rng.random(n) * _SHARES[-1], side="right")
    card, transfer, remote = _CARD[sort], _TRANSFER[sort], _REMOTE[sort]
    debit = rng.random(n) < _OUT[sort]
    fx = sort == 7
    currency = rng.integers(0, len(_FX), n)
    amount = people.spend[who] * _AMOUNTS[sort] * rng.lognormal(0, 0.5, n)
    amount = np.where(fx, amount / _FX_RATES[currency], amount)
    amount = np.where(transfer | (sort == 3) | (sort == 4), np.ceil(amount / 100) * 100, amount)
    status = np.searchsorted([0.975, 0.995], rng.random(n), side="right")
    habit = (_HABITUAL * rng.random(n) ** 2).astype(np.int64)
    payee = np.where(rng.random(n) < 0.99, usual(who, habit, PAYEES), rng.integers(0, PAYEES, n))
    merchant = np.where(
        rng.random(n) < 0.6, usual(who, habit, MERCHANTS), rng.integers(0, MERCHANTS, n)
    )
    located = remote & (rng.random(n) < 0.7)
    host = (who * 31 + (times // 86_400_000) % 5) % 65_536
    balance = people.balance[who] + np.where(debit, -amount, amount)
    return [
        _transaction(*values)
        for values in zip(
            ids,
            times.tolist(),
            who.tolist(),
            sort.tolist(),
            debit.tolist(),
            np.maximum(np.round(amount, 2), 0.01).tolist(),
            np.where(fx, currency, -1).tolist(),
            status.tolist(),
            np.where(card | fx | (sort == 8), -1, payee).tolist(),
            np.where(card, merchant, -1).tolist(),
            np.where(remote, host, -1).tolist(),
            people.city[who].tolist(),
            _where(located, people.lat[who]),
            _where(located, people.lon[who]),
            _where(_REPAYMENT[sort], people.days_past_due[who]),
            _where(sort == 0, people.limit_used[who]),
            np.round(balance, 2).tolist(),
            strict=True,
        )
    ]


def _where(present: NDArray[np.bool_], values: Floats) -> list[float | None]:
    return [
        value if here else None
        for here, value in zip(present.tolist(), np.round(values, 4).tolist(), strict=True)
    ]


def _transaction(
    event_id: str,
    time: int,
    who: int,
    sort: int,
    debit: bool,
    amount: float,
    currency: int,
    status: int,
    payee: int,
    merchant: int,
    host: int,
    city: int,
    lat: float | None,
    lon: float | None,
    days_past_due: float | None,
    limit_used: float | None,
    balance: float,
) -> Transaction:
    kind, _, _, _, channel, product = _SORTS[sort]
    place = CITIES[city]
    return Transaction(
        event_id=event_id,
        event_time=time,
        customer_id=customer_id(who),
        kind=kind,
        direction=_DIRECTIONS[debit],
        amount=amount,
        currency="CNY" if currency < 0 else _FX[currency],
        status=_STATUS[status],
        account_id=account_id(who),
        channel=channel,
        product=product,
        counterparty_id=None if payee < 0 else payee_id(payee),
        merchant_id=None if merchant < 0 else merchant_id(merchant),
        mcc=None if merchant < 0 else _MCC[merchant & 7],
        device_id=None if host < 0 else device_id(who, 0),
        ip=None if host < 0 else ip_address(place.network, host),
        country=place.country,
        lat=lat,
        lon=lon,
        days_past_due=days_past_due,
        limit_used=limit_used,
        balance_after=balance,
    )
