"""``configs/text.yaml``: the lexicon, the products, near-duplicates and rising topics."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from sentinel.model.columns import Column, Kind
from sentinel.model.document import ConfigError, Document, Path
from sentinel.text.fold import fold
from sentinel.text.lexicon import STEM, Phrase, Role
from sentinel.text.topics import Rising

_Count = Annotated[int, Meta(ge=1, le=1_000_000)]
_Phrases = Annotated[list[str], Meta(max_length=2_000)]


class _Terms(Struct, frozen=True, forbid_unknown_fields=True):
    severity: Annotated[int, Meta(ge=0, le=100)]
    zh: _Phrases
    en: _Phrases


class _Negation(Struct, frozen=True, forbid_unknown_fields=True):
    reach: Annotated[int, Meta(ge=1, le=20)]
    cues: _Phrases
    look_alikes: _Phrases
    turns: _Phrases


class ProductEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """See :class:`sentinel.text.product.ProductModel`."""

    names: Annotated[list[str], Meta(min_length=2, max_length=32)]
    warm_up: Annotated[int, Meta(ge=0, le=1_000_000)]


class NearDuplicatesEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """See :class:`sentinel.text.near_duplicates.NearDuplicates`."""

    within: str
    similarity: Annotated[float, Meta(ge=0.5, le=1)]
    min_words: Annotated[int, Meta(ge=2, le=1_000)]
    max_groups: _Count
    max_customers: _Count


class TopicsEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """See :class:`sentinel.text.topics.Rising`."""

    half_life: str
    past_half_life: str
    min_count: _Count
    min_evidence: Annotated[float, Meta(ge=0, le=10_000)]
    warm_up: _Count
    max_topics: Annotated[int, Meta(ge=1, le=10_000)]
    max_customers: _Count


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    intents: Annotated[dict[str, _Terms], Meta(min_length=1, max_length=64)]
    negation: _Negation
    products: ProductEntry
    near_duplicates: NearDuplicatesEntry
    topics: TopicsEntry


@dataclass(frozen=True, slots=True)
class Declaration:
    """text.yaml, checked; nothing is compiled yet."""

    severities: dict[str, int]
    phrases: tuple[Phrase, ...]
    reach: int
    products: ProductEntry
    near_duplicates: NearDuplicatesEntry
    near_duplicates_within_ms: int
    rising: Rising
    topics: TopicsEntry

    @property
    def columns(self) -> dict[str, Column]:
        """The columns that complaints may have by their text, by name."""
        found = [
            Column("complaint_intent", Kind.CODE, tuple(self.severities)),
            Column("complaint_severity", Kind.NUMBER, unit="0-100"),
            *(Column(SAYS + intent, Kind.TRUTH) for intent in self.severities),
            Column("complaint_product_predicted", Kind.CODE, tuple(self.products.names)),
            Column("complaint_product_confidence", Kind.NUMBER, unit="share"),
            Column("complaint_near_duplicates", Kind.NUMBER, unit="customers"),
            Column("complaint_topic_rise", Kind.NUMBER, unit="times"),
        ]
        return {column.name: column for column in found}


SAYS = "complaint_says_"


def declare(document: Document) -> Declaration:
    """Read text.yaml; raises :class:`~sentinel.model.document.ConfigError`."""
    file = document.convert(_File)
    for intent in file.intents:
        if not intent.isidentifier():
            at = document.key_position("intents", intent)
            raise ConfigError(document.path, *at, f'"{intent}" is not a plain name')
    names = file.products.names
    for path, name in enumerate(names):
        if name in names[:path]:
            raise document.error(("products", "names", path), f'a second product "{name}"')
    rising = Rising(
        document.duration_ms(("topics", "half_life"), file.topics.half_life),
        document.duration_ms(("topics", "past_half_life"), file.topics.past_half_life),
        file.topics.min_count,
        file.topics.min_evidence,
        file.topics.warm_up,
    )
    if rising.past_half_life_ms <= rising.half_life_ms:
        message = "the past must fade more slowly than what is recent"
        raise document.error(("topics", "past_half_life"), message)
    return Declaration(
        severities={intent: terms.severity for intent, terms in file.intents.items()},
        phrases=tuple(_checked(document, file)),
        reach=file.negation.reach,
        products=file.products,
        near_duplicates=file.near_duplicates,
        near_duplicates_within_ms=document.duration_ms(
            ("near_duplicates", "within"), file.near_duplicates.within
        ),
        rising=rising,
        topics=file.topics,
    )


def _written(file: _File) -> Iterator[tuple[Path, str, Role, int]]:
    """Every phrase as written, with its path."""
    for number, (intent, terms) in enumerate(file.intents.items()):
        for language in ("zh", "en"):
            for path, text in enumerate(getattr(terms, language)):
                yield ("intents", intent, language, path), text, Role.TERM, number
    for key, role in (("cues", Role.CUE), ("look_alikes", Role.LOOK_ALIKE), ("turns", Role.TURN)):
        for path, text in enumerate(getattr(file.negation, key)):
            yield ("negation", key, path), text, role, -1


def _checked(document: Document, file: _File) -> Iterator[Phrase]:
    """The phrases, folded; a duplicate is refused, as it would be ambiguous."""
    first: dict[str, Path] = {}
    for path, text, role, intent in _written(file):
        phrase = Phrase(fold(text), role, intent)
        plain = phrase.text.removesuffix(STEM)
        if not plain or STEM in plain:
            message = f'"{text}" is not a phrase'
            raise document.error(path, message, f'"{STEM}" stands at the end of a word')
        if plain in first:
            line, column = document.position(*first[plain])
            message = f'"{text}" stands already at {line}:{column}'
            raise document.error(path, message)
        first[plain] = path
        yield phrase
