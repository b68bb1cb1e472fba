"""``configs/desk.yaml``: how soon people answer, and what the names in reasons mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from sentinel.alerting import Terms, read_terms
from sentinel.model.alert import Tier
from sentinel.model.document import Document
from sentinel.model.file import read_document
from sentinel.model.hours import read_zone
from sentinel.model.signal import Action, Title
from sentinel.rules.declare import Rule
from sentinel.rules.declare import declare as declare_rules

FILE = "desk.yaml"
_ENGINE = "engine.yaml"  # has the bank's zone
_ACTIONS = "actions.yaml"


class Form(StrEnum):
    """How a value is shown."""

    MONEY = "money"
    NUMBER = "number"
    SHARE = "share"
    SECONDS = "seconds"
    KMH = "kmh"
    DEVIATIONS = "deviations"
    RARE = "rare"
    ID = "id"
    TEXT = "text"
    TRUTH = "truth"
    MOMENT = "moment"


class Words(Struct, frozen=True, forbid_unknown_fields=True, rename={"form": "as"}):
    """What a person calls what a condition reads."""

    en: str
    zh: str
    form: Form


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    answer_within: dict[Tier, str]
    undo: str
    alike: str
    judged: str
    currency: str
    words: dict[str, Words]
    values: dict[str, Title]


@dataclass(frozen=True, slots=True)
class DeskPlan:
    """What the desk shows and when; lengths of time in milliseconds, times in ``zone``.

    ``rules`` are those of the configuration by id: their titles, explanations and owners; ``terms``
    what each action is called and rests on.
    """

    answer_within_ms: Mapping[Tier, int]
    undo_ms: int
    alike_ms: int
    judged_ms: int
    currency: str
    zone: ZoneInfo
    words: Mapping[str, Words]
    values: Mapping[str, Title]
    rules: Mapping[str, Rule]
    terms: Mapping[Action, Terms]

    def title(self, rule_id: str) -> Title:
        """The title of a rule; its id where the configuration has no such rule any more."""
        rule = self.rules.get(rule_id)
        return Title(rule_id, rule_id) if rule is None else rule.title

    def explanation(self, rule_id: str) -> Title | None:
        """What a rule means, if the configuration says so."""
        rule = self.rules.get(rule_id)
        return None if rule is None else rule.explanation


def declare(
    document: Document,
    rules: Mapping[str, Rule],
    terms: Mapping[Action, Terms],
    zone: ZoneInfo,
) -> DeskPlan:
    """Check ``desk.yaml``; ``zone`` is the bank's.  Raises ConfigError."""
    file = document.convert(_File)
    for tier in Tier:
        if tier not in file.answer_within:
            raise document.error(("answer_within",), f"no time for {tier}")
    return DeskPlan(
        answer_within_ms={
            tier: document.duration_ms(("answer_within", tier), text)
            for tier, text in file.answer_within.items()
        },
        undo_ms=document.duration_ms(("undo",), file.undo),
        alike_ms=document.duration_ms(("alike",), file.alike),
        judged_ms=document.duration_ms(("judged",), file.judged),
        currency=file.currency,
        zone=zone,
        words=file.words,
        values=file.values,
        rules=rules,
        terms=terms,
    )


def read_folder(folder: Path) -> DeskPlan:
    """The plan of a configuration folder; raises ConfigError, and OSError."""
    documents = [
        read_document(path, path.relative_to(folder).as_posix())
        for path in sorted((folder / "rules").glob("*.yaml"))
    ]
    rules = {rule.id: rule for rule, _, _ in declare_rules(documents)}
    zone = read_zone(read_document(folder / _ENGINE, _ENGINE))
    terms = read_terms(read_document(folder / _ACTIONS, _ACTIONS))
    return declare(read_document(folder / FILE, FILE), rules, terms, zone)
