"""What a risk engineer writes in configs/rules/*.yaml, checked."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from sentinel.model.document import Document
from sentinel.model.duration import parse_duration
from sentinel.model.entity import EntityKind
from sentinel.model.events import Stream
from sentinel.model.signal import Action, Mode, Risk, Title

MAX_RULES = 1_000
_ID = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")


class SequenceStep(Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a sequence: an event of a stream that meets a condition."""

    on: Stream
    when: str


class Steps(Struct, frozen=True, forbid_unknown_fields=True):
    """Steps in this order of event time, all inside ``within``."""

    within: str
    steps: Annotated[list[SequenceStep], Meta(min_length=2, max_length=4)]

    @property
    def within_ms(self) -> int:
        """The span in milliseconds."""
        return parse_duration(self.within)


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as written; it has either ``when`` or ``sequence``.

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
    def streams(self) -> tuple[Stream, ...]:
        """The streams whose events can fire the rule."""
        if self.sequence is not None:
            return tuple(dict.fromkeys(step.on for step in self.sequence.steps))
        return tuple(self.on) if isinstance(self.on, list) else (self.on,) if self.on else ()


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    rules: list[Rule]


def declare(documents: Sequence[Document]) -> list[tuple[Rule, Document, int]]:
    """Every rule with its document and its place there; raises ConfigError."""
    found: list[tuple[Rule, Document, int]] = []
    first: dict[str, str] = {}
    for document in documents:
        for place, rule in enumerate(document.convert(_File).rules):
            _check(rule, document, place)
            where = f"{document.path}:{document.position('rules', place, 'id')[0]}"
            if rule.id in first:
                raise document.error(
                    ("rules", place, "id"), f'rule "{rule.id}" stands already at {first[rule.id]}'
                )
            first[rule.id] = where
            found.append((rule, document, place))
            if len(found) > MAX_RULES:
                raise document.error(("rules", place), f"more than {MAX_RULES} rules")
    return found


def _check(rule: Rule, document: Document, place: int) -> None:
    at = ("rules", place)
    if not _ID.fullmatch(rule.id):
        raise document.error(
            (*at, "id"), f'"{rule.id}" is not a rule id', "lower-case words with dots and dashes"
        )
    if (rule.when is None) == (rule.sequence is None):
        raise document.error(at, f'rule "{rule.id}" needs either "when" or "sequence"')
    if rule.by is None and rule.entity_risk is not None:
        raise document.error((*at, "entity_risk"), "only a shared entity can be risky", "by: ip")
    if rule.by is not None and (rule.on is not None or rule.sequence is not None):
        key = "on" if rule.on is not None else "sequence"
        raise document.error((*at, key), f"a rule by {rule.by} is over its measures only")
    if rule.when is not None and rule.by is None and not rule.streams:
        raise document.error(at, f'rule "{rule.id}" says not on which stream', "on: transaction")
    if rule.sequence is not None:
        if rule.on is not None:
            raise document.error((*at, "on"), "the steps of a sequence say on which stream")
        try:
            parse_duration(rule.sequence.within)
        except ValueError as error:
            raise document.error((*at, "sequence", "within"), str(error)) from None
