"""The event types that Sentinel reads, with the limits their fields keep.

Times are RFC 3339 text or epoch milliseconds on the wire and int64 milliseconds UTC
everywhere else; amounts are JSON numbers or decimal text.  Unknown fields are ignored.  A
field's annotation also tells its column, see :mod:`sentinel.model.columns`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct


class Stream(StrEnum):
    """An input stream; the value is the word that rules and features use."""

    TRANSACTION = "transaction"
    LOGIN = "login"
    COMPLAINT = "complaint"

    __hash__ = str.__hash__  # an enum's own is Python code, and event keys are asked for often


EventKey = tuple[Stream, str]
"""Which event: its stream and its ``event_id``, which is unique within the stream alone."""

# Times outside 1990 to 2100 are refused: most likely they are in another unit.
FIRST_MOMENT_MS = 631_152_000_000
LAST_MOMENT_MS = 4_102_444_800_000


class Unit(str):
    """The unit of a number, in its annotation."""

    __slots__ = ()


Id = Annotated[str, Meta(min_length=1, max_length=128)]
Word = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=16_384)]
Moment = (
    Annotated[int, Meta(ge=0, le=LAST_MOMENT_MS), Unit("ms")] | Annotated[datetime, Meta(tz=True)]
)
_DECIMAL = (  # below 10^15, as the number is; Java and Python write 0 of scale 8 as 0E-8
    r"\A[0-9]{1,15}(\.[0-9]{1,18})?\Z"
    r"|\A[0-9]{1,15}(\.[0-9]{1,18})?[eE]-[0-9]{1,2}\Z"
    r"|\A[0-9](\.[0-9]{1,18})?[eE]\+?(0?[0-9]|1[0-4])\Z"
)
Decimal = Annotated[str, Meta(max_length=40, pattern=_DECIMAL)]
Amount = Annotated[float, Meta(ge=0, le=1e15), Unit("base currency")] | Decimal
Currency = Annotated[str, Meta(min_length=3, max_length=3)]
Country = Annotated[str, Meta(min_length=1, max_length=64)]  # a code or a name
Address = Annotated[str, Meta(min_length=1, max_length=64)]  # with port and zone
Latitude = Annotated[float, Meta(ge=-90, le=90), Unit("degrees")]
Longitude = Annotated[float, Meta(ge=-180, le=180), Unit("degrees")]
Days = Annotated[float, Meta(ge=0, le=36_500), Unit("days")]
Year = Annotated[float, Meta(ge=1900, le=2100), Unit("year")]
Share = Annotated[float, Meta(ge=0, le=100), Unit("share")]
Balance = Annotated[float, Meta(ge=-1e15, le=1e15), Unit("base currency")]

Direction = Literal["debit", "credit"]
TransactionKind = Literal["transfer", "card", "cash", "repayment", "investment", "fx", "fee"]
TransactionStatus = Literal["approved", "declined", "reversed"]
CustomerType = Literal["natural", "legal"]
LoginKind = Literal[
    "login", "logout", "password_change", "mfa_change", "payee_added", "profile_change"
]
ComplaintStatus = Literal["received", "investigating", "resolved", "replied", "closed", "withdrawn"]
ComplaintChannel = Literal["hotline", "app", "branch", "regulator", "media"]


def epoch_ms(moment: int | datetime) -> int:
    """The moment in ms UTC; raises ValueError if it lies outside 1970 to 2099."""
    at_ms = moment if isinstance(moment, int) else round(moment.timestamp() * 1000)
    if not 0 <= at_ms <= LAST_MOMENT_MS:
        raise ValueError("a time is not between 1970 and 2100")
    return at_ms


class Transaction(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Money moved, or an attempt to move it; ``direction`` is seen from the customer."""

    event_id: Id
    event_time: Moment
    customer_id: Id
    kind: TransactionKind
    direction: Direction
    amount: Amount
    currency: Currency = "CNY"
    status: TransactionStatus = "approved"
    customer_type: CustomerType | None = None
    account_id: Id | None = None
    channel: Word | None = None
    product: Word | None = None
    counterparty_id: Id | None = None
    counterparty_country: Country | None = None
    merchant_id: Id | None = None
    mcc: Word | None = None
    device_id: Id | None = None
    ip: Address | None = None
    country: Country | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    days_past_due: Days | None = None
    limit_used: Share | None = None
    balance_after: Balance | None = None
    own_account: bool | None = None
    account_days: Days | None = None
    counterparty_type: CustomerType | None = None
    counterparty_days: Days | None = None
    counterparty_bank: Word | None = None
    remark: Annotated[str, Meta(max_length=512)] | None = None
    birth_year: Year | None = None
    occupation: Word | None = None
    income_band: Word | None = None
    card_present: bool | None = None
    three_d_secure: bool | None = None
    terminal_region: Word | None = None
    merchant_region: Word | None = None
    instrument_number: Id | None = None
    authenticated_by: Word | None = None
    screen_sharing: bool | None = None
    employee_id: Id | None = None
    agent_id: Id | None = None


class Login(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A session step or a change of credentials."""

    event_id: Id
    event_time: Moment
    customer_id: Id
    kind: LoginKind
    success: bool
    failure_reason: Word | None = None
    method: Word | None = None
    channel: Word | None = None
    device_id: Id | None = None
    ip: Address | None = None
    asn: Word | None = None
    user_agent: Annotated[str, Meta(max_length=1024)] | None = None
    country: Country | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    session_id: Id | None = None


class Complaint(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One step in the life of a customer's complaint.

    ``extended_to`` and ``approved_by``, together, tell of an approved extension of its term: a
    term like ``30d`` or ``30wd``, or the last day, and the member of staff who approved it.
    """

    event_id: Id
    event_time: Moment
    complaint_id: Id
    customer_id: Id
    status: ComplaintStatus
    channel: ComplaintChannel
    product: Word | None = None
    category: Word | None = None
    branch_id: Id | None = None
    amount_involved: Amount | None = None
    text: Text | None = None
    extended_to: Word | None = None
    approved_by: Id | None = None


Event = Transaction | Login | Complaint
"""Any input event."""

EVENT_TYPES: dict[Stream, type[Event]] = {
    Stream.TRANSACTION: Transaction,
    Stream.LOGIN: Login,
    Stream.COMPLAINT: Complaint,
}
