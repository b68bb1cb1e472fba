"""Complaint after fraud: an unknown large payment, then the customer complains and escalates."""

from collections.abc import Iterator, Sequence
from typing import Any

from sentinel.model.events import Event
from sentinel.simulate.scene import HOUR_S, MINUTE_S, Scenario, Scene


def _play(scene: Scene) -> Iterator[Event]:
    (victim,) = scene.cast
    amount = round(float(scene.people.spend[victim]) * scene.amount(25, 60), 2)
    stranger = scene.stranger()
    yield scene.transaction(victim, 0, amount=amount, counterparty_id=stranger)
    again = float(scene.number(2, 10) * MINUTE_S)
    yield scene.transaction(victim, again, amount=amount, counterparty_id=stranger)
    now = again + scene.number(HOUR_S, 6 * HOUR_S)
    about: dict[str, Any] = {
        "product": "current_account",
        "category": "unauthorised_transaction",
        "amount_involved": 2 * amount,
    }
    text = "账户被盗刷，两笔转账不是本人操作，请立即冻结并追回。"
    hotline, regulator = scene.next_id(), scene.next_id()
    yield scene.complaint(victim, now, hotline, text=text, **about)
    now += scene.number(HOUR_S, 4 * HOUR_S)
    yield scene.complaint(victim, now, hotline, status="investigating", **about)
    now += scene.number(12 * HOUR_S, 30 * HOUR_S)
    yield scene.complaint(victim, now, regulator, channel="regulator", text=text, **about)


def _decidable(events: Sequence[Event]) -> int:  # noqa: ARG001 - the same in each instance
    """The complaint: a large payment alone may be the customer's own."""
    return 2


COMPLAINT_AFTER_FRAUD = Scenario("complaint_after_fraud", 1, 41 * HOUR_S * 1000, _play, _decidable)
