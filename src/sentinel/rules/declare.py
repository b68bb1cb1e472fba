"""What a risk engineer writes in configs/rules/*.yaml, checked."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from sentinel.model.document import Document
from sentinel.model.entity import EntityKind
from sentinel.model.events import Stream
from sentinel.model.signal import Action, Mode, Risk, Title
from sentinel.rules.pattern import Pattern
from sentinel.rules.sequence import Steps

MAX_RULES = 1_000
_ID = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as written; it has either ``when`` or a pattern such as ``sequence``.

    A rule ``by`` a shared entity is over its measures; while it fires, customers' rules see the
    entity as risky as it says.
    """

    id: str
    title: Title
    risk: Risk
    severity: Annotated[int, Meta(ge=0, le=100)]
    owner: str = ""  # the desk that answers for it; `sentinel check` lists a rule without
    mode: Mode = Mode.LIVE
    source: str = ""  # where the threshold comes from
    explanation: Title | None = None
    on: Stream | list[Stream] | None = None
    by: EntityKind | None = None
    entity_risk: Annotated[int, Meta(ge=1, le=100)] | None = None
    when: str | None = None
    sequence: Steps | None = None
    actions: list[Action] = []
    runbook: str = ""
    tests: list[dict[str, Any]] = []  # run through the engine by sentinel.replay

    @property
    def kinds(self) -> dict[str, Pattern | None]:
        """Every kind of rule over several events, by its key: a rule has one, or else ``when``."""
        return {"sequence": self.sequence}

    @property
    def patterns(self) -> dict[str, Pattern]:
        """The pattern of a rule over several events, by its key; empty for a single event."""
        return {key: pattern for key, pattern in self.kinds.items() if pattern is not None}

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams whose events can fire the rule."""
        if self.patterns:
            parts = (part for pattern in self.patterns.values() for part in pattern.parts)
            return tuple(dict.fromkeys(part.stream for part in parts))
        return tuple(self.on) if isinstance(self.on, list) else (self.on,) if self.on else ()


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    rules: list[Rule]


def declare(documents: Sequence[Document]) -> list[tuple[Rule, Document, int]]:
    """Every rule with its document and its number there, from 0; raises ConfigError."""
    found: list[tuple[Rule, Document, int]] = []
    first: dict[str, str] = {}
    for document in documents:
        for number, rule in enumerate(document.convert(_File).rules):
            _check(rule, document, number)
            where = f"{document.path}:{document.position('rules', number, 'id')[0]}"
            if rule.id in first:
                raise document.error(
                    ("rules", number, "id"), f'rule "{rule.id}" stands already at {first[rule.id]}'
                )
            first[rule.id] = where
            found.append((rule, document, number))
            if len(found) > MAX_RULES:
                raise document.error(("rules", number), f"more than {MAX_RULES} rules")
    return found


def _check(rule: Rule, document: Document, number: int) -> None:
    at = ("rules", number)
    if not _ID.fullmatch(rule.id):
        raise document.error(
            (*at, "id"), f'"{rule.id}" is not a rule id', "lower-case words with dots and dashes"
        )
    patterns = rule.patterns
    if (rule.when is not None) + len(patterns) != 1:
        keys = " or ".join(f'"{key}"' for key in ("when", *rule.kinds))
        raise document.error(at, f'rule "{rule.id}" needs either {keys}')
    if rule.by is None and rule.entity_risk is not None:
        raise document.error((*at, "entity_risk"), "only a shared entity can be risky", "by: ip")
    if rule.by is not None and (rule.on is not None or patterns):
        key = "on" if rule.on is not None else next(iter(patterns))
        raise document.error((*at, key), f"a rule by {rule.by} is over its measures only")
    if rule.when is not None and rule.by is None and not rule.streams:
        raise document.error(at, f'rule "{rule.id}" says not on which stream', "on: transaction")
    for key, pattern in patterns.items():
        if rule.on is not None:
            raise document.error((*at, "on"), f"a {key} names its own streams")
        pattern.check(document, (*at, key))
