"""A label: what a transaction was found to be, for those whom it names."""

from collections.abc import Mapping
from dataclasses import dataclass

from sentinel.model.response import Verdict


@dataclass(frozen=True, slots=True)
class Label:
    """A verdict on one transaction, given at ``at_ms`` (ms UTC).

    ``ids`` are the texts of the fields that name shared entities, where they are given;
    ``amount`` is in base currency.  With ``undone`` it revokes the same label without it.
    """

    ids: Mapping[str, str]
    amount: float
    verdict: Verdict
    at_ms: int
    undone: bool = False
