"""Shared entities: what belongs to many customers, and where an event names it.

The state of a shared entity lives on one shard, that of the Kafka key :func:`owner_key`.
"""

from collections.abc import Mapping
from enum import StrEnum

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


_MONEY, _ACCESS, _VOICE = Stream.TRANSACTION, Stream.LOGIN, Stream.COMPLAINT

ID_FIELDS: Mapping[EntityKind, Mapping[Stream, str]] = {
    EntityKind.DEVICE: {_MONEY: "device_id", _ACCESS: "device_id"},
    EntityKind.IP: {_MONEY: "ip", _ACCESS: "ip"},
    EntityKind.MERCHANT: {_MONEY: "merchant_id"},
    EntityKind.COUNTERPARTY: {_MONEY: "counterparty_id"},
    EntityKind.PRODUCT: {_MONEY: "product", _VOICE: "product"},
    EntityKind.BRANCH: {_VOICE: "branch_id"},
    EntityKind.CHANNEL: {_MONEY: "channel", _ACCESS: "channel"},
    EntityKind.BANK: {},
}
"""The field that names the entity, by kind and stream; other streams do not name it."""


def owner_key(kind: str, entity_id: str) -> str:
    """The Kafka key of an entity's alerts and of the answers to them.

    A customer's is their id.  A shared entity's says its kind, too, so that one id of two
    kinds is two entities, and its owner is the shard to which this key leads.
    """
    return entity_id if kind == CUSTOMER else f"{kind}:{entity_id}"
