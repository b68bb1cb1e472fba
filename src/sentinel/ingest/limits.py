"""Limits of records: sizes, clock skew and known currencies."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from sentinel.model.ids import PLAIN, Hasher


class OtherValues(StrEnum):
    """How a value is treated that is neither what its field names nor a placeholder."""

    MISSING = "missing"  # the event has none
    DEAD_LETTER = "dead_letter"  # the event becomes a dead letter


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds that ingest keeps; ``rates`` give one unit of a currency in base currency.

    ``hasher`` makes numbers of ids.  An id that is one of ``placeholders`` names nothing.
    """

    lateness_ms: int
    future_skew_ms: int
    max_value_bytes: int
    remembered_events: int
    base_currency: str
    rates: dict[str, Annotated[float, Meta(gt=0)]]
    hasher: Hasher = PLAIN
    placeholders: tuple[str, ...] = ()
    other_addresses: OtherValues = OtherValues.MISSING
    other_countries: OtherValues = OtherValues.MISSING
