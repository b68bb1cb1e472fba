"""Ordinary complaints, each with its steps until it is closed."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sentinel.model.events import Complaint, ComplaintChannel, ComplaintStatus
from sentinel.simulate.population import Population, customer_id

_HOUR_MS = 3_600_000


class _Theme(NamedTuple):
    """What complaints are about."""

    category: str
    product: str
    text: str


_THEMES = (
    _Theme("fees", "current_account", "账户管理费未提前告知，请核实并退还。"),
    _Theme("service", "current_account", "网点排队两个小时，工作人员态度冷淡。"),
    _Theme("app_failure", "mobile_banking", "手机银行转账页面一直报错，无法使用。"),
    _Theme("mis_selling", "wealth_fund", "理财经理承诺保本，实际出现亏损。"),
    _Theme("collection", "consumer_loan", "还款已结清仍然接到催收电话。"),
    _Theme("card_dispute", "credit_card", "信用卡账单中有一笔重复扣款。"),
)
_CHANNELS: tuple[ComplaintChannel, ...] = ("hotline", "app", "branch", "regulator", "media")
_CHANNEL_SHARES = np.cumsum([0.45, 0.35, 0.17, 0.025, 0.005])
_LIFE: tuple[tuple[ComplaintStatus, float], ...] = (
    ("received", 0),
    ("investigating", 12),
    ("resolved", 96),
    ("replied", 24),
    ("closed", 12),
)
"""The steps of a complaint, and the mean hours from the step before."""


def draw_complaint(
    people: Population, who: int, time: int, event_id: str, rng: np.random.Generator
) -> Iterator[Complaint]:
    """The events of one complaint from ``time`` (ms) on, days apart."""
    theme = _THEMES[int(rng.integers(0, len(_THEMES)))]
    channel = _CHANNELS[int(np.searchsorted(_CHANNEL_SHARES, rng.random(), side="right"))]
    involved = round(float(people.spend[who] * rng.lognormal(0, 1)), 2)
    withdrawn = rng.random() < 0.05
    for status, hours in _LIFE:
        time += int(hours * _HOUR_MS * rng.exponential())
        step: ComplaintStatus = "withdrawn" if withdrawn and status == "resolved" else status
        yield Complaint(
            event_id=f"{event_id}-{status}",
            event_time=time,
            complaint_id=event_id,
            customer_id=customer_id(who),
            status=step,
            channel=channel,
            product=theme.product,
            category=theme.category,
            branch_id=f"B{who % 120:04d}" if channel == "branch" else None,
            amount_involved=involved if theme.category != "service" else None,
            text=theme.text if status == "received" else None,
        )
        if step == "withdrawn":
            return
