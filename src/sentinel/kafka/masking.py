"""What readers of each output topic may see of a customer: ``configs/masking.yaml``."""

import hashlib
import hmac
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace

from sentinel.model.alert import ActionRequest, Alert, Entity
from sentinel.model.file import read_document
from sentinel.model.response_outcome import ResponseOutcome
from sentinel.settings import Settings, SettingsError, shipped_configs, variable

_TOKEN = 24  # hexadecimal digits: 96 bits
_SHOWN = 4


class Method(StrEnum):
    """How an id is hidden."""

    TOKEN = "token"  # noqa: S105 - a word of masking.yaml
    PARTIAL = "partial"
    DROP = "drop"


class Mask(Struct, frozen=True, forbid_unknown_fields=True):
    """What is hidden from the readers of one topic, and how."""

    customer: Method | UnsetType = UNSET
    event: Method | UnsetType = UNSET
    values: Literal["drop"] | UnsetType = UNSET


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    alerts: Mask
    tiers: Mask
    actions: Mask
    response_results: Mask


class Masking:
    """The masks of the four sorts of topics, with the key of their tokens."""

    def __init__(
        self, alerts: Mask, tiers: Mask, actions: Mask, response_results: Mask, key: bytes
    ) -> None:
        self.alerts, self.tiers, self.actions = alerts, tiers, actions
        self.response_results = response_results
        self._key = key

    def alert(self, alert: Alert, mask: Mask) -> Alert:
        """The masked alert; the same object if the mask hides nothing."""
        if mask == Mask():
            return alert
        reasons = alert.reasons
        if mask.values is not UNSET:
            reasons = tuple(
                replace(
                    reason,
                    clauses=tuple(
                        replace(clause, values={}, normal={}) for clause in reason.clauses
                    ),
                )
                for reason in reasons
            )
        event_id = self._hidden(mask.event, alert.trigger.event_id)
        return replace(
            alert,
            key=self._hidden(mask.customer, alert.key),
            entity=self._entity(mask, alert.entity),
            trigger=replace(alert.trigger, event_id=event_id),
            reasons=reasons,
        )

    def action(self, request: ActionRequest) -> ActionRequest:
        """The requested action as its topic's mask lets it be seen."""
        mask = self.actions
        return replace(
            request,
            key=self._hidden(mask.customer, request.key),
            entity=self._entity(mask, request.entity),
        )

    def response_outcome(self, outcome: ResponseOutcome) -> ResponseOutcome:
        """The outcome of a response as its topic's mask lets it be seen."""
        mask, event_id = self.response_results, outcome.event_id
        return replace(
            outcome,
            key=self._hidden(mask.customer, outcome.key),
            event_id=None if event_id is None else self._hidden(mask.event, event_id),
        )

    def _entity(self, mask: Mask, entity: Entity) -> Entity:
        return Entity(entity.kind, self._hidden(mask.customer, entity.id))

    def _hidden(self, method: Method | UnsetType, text: str) -> str:
        match method:
            case Method.TOKEN:
                return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()[:_TOKEN]
            case Method.PARTIAL:
                return f"…{text[-_SHOWN:]}" if len(text) > _SHOWN else "…"
            case Method.DROP:
                return ""
        return text


def read_masking(settings: Settings) -> Masking:
    """The masks of the settings' folder; raises ConfigError, SettingsError, OSError."""
    masks = read_masks(Path(settings.configs) if settings.configs else shipped_configs())
    return Masking(**masks, key=_key(settings, masks))


def read_masks(folder: Path) -> dict[str, Mask]:
    """The masks of a configuration folder by sort of topic; raises ConfigError, OSError."""
    document = read_document(folder / "masking.yaml", "masking.yaml")
    file = document.convert(_File)
    return asdict(file)


def _key(settings: Settings, masks: Mapping[str, Mask]) -> bytes:
    methods = {method for mask in masks.values() for method in (mask.customer, mask.event)}
    if Method.TOKEN not in methods:
        return b""
    name = "masking_key_file"
    if settings.masking_key_file is None:
        raise SettingsError(f"masking.yaml makes tokens: set {variable(name)}")
    try:
        key = Path(settings.masking_key_file).read_bytes().strip()
    except OSError as error:
        source = f"{variable(name)}: {settings.masking_key_file}"
        raise SettingsError(f"{source}: {error.strerror}") from None
    if len(key) < 16:
        raise SettingsError(f"{variable(name)}: a key has 16 bytes at least")
    return key
