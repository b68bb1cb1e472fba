"""Shared entities: what belongs to many customers, and where an event names it.

The state of a shared entity lives on one shard, that of the Kafka key :func:`owner_key`.
"""

from collections.abc import Mapping
from enum import StrEnum

from sentinel.model.columns import FIELDS, Kind
from sentinel.model.events import Stream

CUSTOMER = "customer"
BANK_ID = "bank"


class EntityKind(StrEnum):
    """A sort of shared entity; the value is the word that features and rules use."""

    DEVICE = "device"
    IP = "ip"
    MERCHANT = "merchant"
    COUNTERPARTY = "counterparty"
    PRODUCT = "product"
    BRANCH = "branch"
    CHANNEL = "channel"
    BANK = "bank"  # there is one, and every event is its


_NAMED_BY = {
    EntityKind.DEVICE: "device_id",
    EntityKind.IP: "ip",
    EntityKind.MERCHANT: "merchant_id",
    EntityKind.COUNTERPARTY: "counterparty_id",
    EntityKind.PRODUCT: "product",
    EntityKind.BRANCH: "branch_id",
    EntityKind.CHANNEL: "channel",
}

ID_FIELDS: Mapping[EntityKind, Mapping[Stream, str]] = {
    kind: {
        stream: name
        for stream, fields in FIELDS.items()
        if (name := _NAMED_BY.get(kind, "")) in fields and fields[name].kind is Kind.STRING
    }
    for kind in EntityKind
}
"""The field that names the entity, by kind and stream; other streams do not name it.

A field with a fixed vocabulary names none: a complaint's channel is not one of the bank's.
"""


def owner_key(kind: str, entity_id: str) -> str:
    """The Kafka key of an entity's alerts and of the responses to them.

    A customer's is their id.  A shared entity's has its kind, too, so that one id of two kinds
    is two entities.  The owner of the entity is the shard of this key's partition.
    """
    return entity_id if kind == CUSTOMER else f"{kind}:{entity_id}"
