"""What a record may be: sizes, skew and known currencies."""

from typing import Annotated

from msgspec import Meta, Struct

from sentinel.model.ids import PLAIN, Hasher


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds that ingest keeps; ``rates`` give one unit of a currency in base currency.

    ``hasher`` makes numbers of ids.
    """

    lateness_ms: int
    future_skew_ms: int
    max_value_bytes: int
    remembered_events: int
    base_currency: str
    rates: dict[str, Annotated[float, Meta(gt=0)]]
    hasher: Hasher = PLAIN
