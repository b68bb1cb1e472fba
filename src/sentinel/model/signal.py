"""A signal: a rule fired on an event, with the values that it read."""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from sentinel.model.entity import CUSTOMER
from sentinel.model.events import EventKey, Stream


class Risk(StrEnum):
    """The five kinds of risk of the handbook; every rule and alert carries one."""

    CREDIT = "credit"
    MARKET = "market"
    OPERATIONAL = "operational"
    LIQUIDITY = "liquidity"
    LEGAL = "legal"

    __hash__ = str.__hash__  # an enum's own is Python code, and asked for several times a signal


class Mode(StrEnum):
    """Whether a rule raises alerts, is only counted, or is not compiled at all."""

    LIVE = "live"
    SHADOW = "shadow"
    OFF = "off"

    __hash__ = str.__hash__


class Action(StrEnum):
    """What a rule recommends to do, the most drastic first; actions.yaml has its terms.

    Alerts list their actions in this order.  None is a freeze: that is for the police and courts.
    """

    SUSPEND_ACCOUNT = "suspend_account"
    LIMIT_NON_COUNTER = "limit_non_counter"
    DELAY_TRANSFER = "delay_transfer"
    BLOCK_CARD = "block_card"
    RESTRICT_CREDIT = "restrict_credit"
    STEP_UP_AUTH = "step_up_auth"
    VERIFY_CUSTOMER = "verify_customer"
    CALL_CUSTOMER = "call_customer"
    EXPEDITE_COMPLAINT = "expedite_complaint"
    REVIEW_ACCOUNT = "review_account"
    NOTIFY_BRANCH = "notify_branch"
    ASSESS_STR = "assess_str"  # for a suspicious transaction report
    REPORT_LARGE_VALUE = "report_large_value"


CONTAINMENT = frozenset(
    {
        Action.SUSPEND_ACCOUNT,
        Action.LIMIT_NON_COUNTER,
        Action.DELAY_TRANSFER,
        Action.BLOCK_CARD,
        Action.RESTRICT_CREDIT,
    }
)
"""The actions that restrict a customer, so that money is stopped before it is gone."""


class Title(Struct, frozen=True, forbid_unknown_fields=True):
    """A text for people in both languages."""

    en: str
    zh: str


class Clause(Struct, frozen=True, omit_defaults=True):
    """One comparison of a condition with the value it saw: ``amount_z`` 4.1 ``> 3``.

    ``text`` is the clause as written, ``values`` the named values in it as read
    (numbers, text, true/false; None is missing), ``normal`` what is usual for this customer of
    some of them, ``step`` the 1-based step of a sequence.
    """

    text: str
    values: dict[str, float | str | bool | None]
    normal: dict[str, float] = {}
    step: int = 0


class Signal(Struct, frozen=True, kw_only=True):
    """A rule fired on one event of one customer, or on one rollup row of a shared entity.

    ``index`` is the event's index in the merged batch: signals are processed in the
    order (index, order of the rule in the configuration).  ``explain`` reads the clauses, which
    costs more than all the rest; it may be called until the step ends.
    """

    index: int
    rule_id: str
    entity_id: str
    stream: Stream
    event_id: str
    event_time: int
    recorded_ms: int
    risk: Risk
    severity: int
    mode: Mode
    title: Title
    explain: Callable[[], tuple[Clause, ...]]
    actions: tuple[Action, ...]
    runbook: str
    entity_kind: str = CUSTOMER

    @property
    def event(self) -> EventKey:
        """The event that made the rule fire."""
        return self.stream, self.event_id
