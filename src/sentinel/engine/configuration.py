"""The configuration as a whole: documents, checked against each other, under one version.

A version is the hash of the content, so the same files always have the same version and
every alert can name the configuration that raised it.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from msgspec import Meta, Struct, structs

from sentinel import alerting, entities, features, ingest, rules, text
from sentinel.engine.stages import Stages, build
from sentinel.model.document import ConfigError, Document, parse
from sentinel.model.hours import read_zone
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.people import People, read_people
from sentinel.model.share import WHOLE, Share
from sentinel.model.signal import Action

_SINGLE = (
    "engine.yaml",
    "features.yaml",
    "detectors.yaml",
    "tiers.yaml",
    "suppression.yaml",
    "complaints.yaml",
    "text.yaml",
    "actions.yaml",
)
_PEOPLE = "people.yaml"  # whose absence says that nobody has a key
_RULES = "rules/"
_LISTS = "lists/"

Count = Annotated[int, Meta(ge=1, le=100_000_000)]  # a shard has memory for no more of anything


class _EngineFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    timezone: str
    lateness: str
    future_skew: str
    max_value_bytes: Annotated[int, Meta(ge=1, le=2_000_000)]  # more would not fit a dead letter
    remembered_events: Count
    max_customers: Count
    max_overflow_customers: Count
    customer_ttl: str
    max_entities: Count
    max_fired_events: Count
    max_held_transactions: Count
    placeholders: Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(max_length=100)]
    other_addresses: ingest.OtherValues
    other_countries: ingest.OtherValues
    base_currency: str
    rates: dict[str, Annotated[float, Meta(gt=0)]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The contents of engine.yaml: the bounds of a shard's state, and what ingest accepts."""

    ingest: ingest.Limits
    local_time: features.LocalTime
    max_customers: int
    max_overflow_customers: int
    customer_ttl_ms: int
    max_entities: int
    max_fired_events: int
    max_held_transactions: int


@dataclass(frozen=True, slots=True)
class Configuration:
    """A checked configuration; :meth:`build` gives each engine stages of its own."""

    version: str
    files: Mapping[str, str] = field(repr=False)
    """Text by path: what it was parsed from."""
    bounds: Bounds
    declarations: features.Declarations
    measures: entities.Measures
    lists: Mapping[str, rules.EntryList] = field(repr=False)
    text: text.Declaration
    terms: Mapping[Action, alerting.Terms]
    people: People
    hasher: Hasher = field(repr=False)
    """Makes numbers of ids, under the deployment's key."""
    documents: Mapping[str, Document] = field(repr=False)
    """The same files, parsed."""
    only: frozenset[str] | None = None
    """The ids of the rules that there are; None for all."""

    @classmethod
    def parse(cls, files: Mapping[str, str]) -> "Configuration":
        """Check ``files``: text by path within the configuration folder.

        Raises ConfigError at the first thing wrong.
        """
        for name in _SINGLE:
            if name not in files:
                raise ConfigError(name, 1, 1, "the file is missing")
        wanted = [
            name
            for name in sorted(files)
            if name in (*_SINGLE, _PEOPLE) or name.startswith((_LISTS, _RULES))
        ]
        documents = {name: parse(files[name], name) for name in wanted}
        bounds = _bounds(documents["engine.yaml"])
        configuration = cls(
            version=_version(files, wanted),
            files={name: files[name] for name in wanted},
            bounds=bounds,
            declarations=features.declare(documents["features.yaml"]),
            measures=entities.declare(documents["features.yaml"]),
            lists=_lists(documents, bounds, PLAIN),
            hasher=PLAIN,
            text=text.declare(documents["text.yaml"]),
            terms=alerting.read_terms(documents["actions.yaml"]),
            people=read_people(documents[_PEOPLE]) if _PEOPLE in documents else People(),
            documents=documents,
        )
        configuration.build()
        return configuration

    def keyed(self, hasher: Hasher) -> "Configuration":
        """The same configuration for a deployment, which has a key of its own."""
        ingest_limits = structs.replace(self.bounds.ingest, hasher=hasher)
        return replace(
            self,
            hasher=hasher,
            bounds=replace(self.bounds, ingest=ingest_limits),
            lists=_lists(self.documents, self.bounds, hasher),
        )

    def narrowed(self, rule_ids: Collection[str]) -> "Configuration":
        """The same configuration with only these rules, to judge a rule by itself.

        What its tests say of verdicts nobody has to sign.
        """
        return replace(self, people=People(), only=frozenset(rule_ids))

    def build(self, share: Share = WHOLE) -> Stages:
        """Fresh stages of a shard; ``share`` is its part of what the desk can do."""
        return build(self, share)

    @property
    def rule_documents(self) -> list[Document]:
        """The rule files, in the order of their names."""
        return [each for name, each in self.documents.items() if name.startswith(_RULES)]


def _lists(
    documents: Mapping[str, Document], bounds: Bounds, hasher: Hasher
) -> dict[str, rules.EntryList]:
    found = [each for name, each in documents.items() if name.startswith(_LISTS)]
    return rules.declare_lists(found, bounds.local_time.zone, hasher)


def _version(files: Mapping[str, str], wanted: Collection[str]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name in wanted:
        for part in (name.encode(), files[name].encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _bounds(document: Document) -> Bounds:
    file = document.convert(_EngineFile)
    if file.base_currency not in file.rates:
        raise document.error(("base_currency",), "the base currency has no rate", "give it rate 1")
    return Bounds(
        ingest=ingest.Limits(
            lateness_ms=document.duration_ms(("lateness",), file.lateness),
            future_skew_ms=document.duration_ms(("future_skew",), file.future_skew),
            max_value_bytes=file.max_value_bytes,
            remembered_events=file.remembered_events,
            base_currency=file.base_currency,
            rates=file.rates,
            placeholders=file.placeholders,
            other_addresses=file.other_addresses,
            other_countries=file.other_countries,
        ),
        local_time=features.LocalTime(read_zone(document)),
        max_customers=file.max_customers,
        max_overflow_customers=file.max_overflow_customers,
        customer_ttl_ms=document.duration_ms(("customer_ttl",), file.customer_ttl),
        max_entities=file.max_entities,
        max_fired_events=file.max_fired_events,
        max_held_transactions=file.max_held_transactions,
    )
