"""The text columns of complaints, as far as they are demanded."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import FALSE, TRUE, UNKNOWN, Array, Kind, Rows
from sentinel.model.events import Complaint
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.stage import WHOLE_STATE, Buffer, Parts
from sentinel.model.step import Limit
from sentinel.model.topic import Topic
from sentinel.text.declare import SAYS, Declaration
from sentinel.text.fold import fold, words
from sentinel.text.hashes import hash_words
from sentinel.text.lexicon import Lexicon, severity
from sentinel.text.near_duplicates import NearDuplicates
from sentinel.text.product import ProductModel
from sentinel.text.topics import Topics

_OPENS = "received"
_MISSING = {Kind.CODE: -1, Kind.NUMBER: np.nan, Kind.TRUTH: UNKNOWN}
_DTYPES: dict[Kind, type[np.generic]] = {
    Kind.CODE: np.int16,
    Kind.NUMBER: np.float64,
    Kind.TRUTH: np.int8,
}


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts in use; None for those whose columns are not read."""

    lexicon: Lexicon | None
    product: ProductModel | None
    near_duplicates: NearDuplicates | None
    topics: Topics | None


class TextReader:
    """Adds the columns of ``demand``, names of complaint columns, to complaints.

    ========================================  ==================================================
    ``complaint_intent``                      the gravest intent that the text affirms
    ``complaint_severity``                    0-100: how grave its intents are together
    ``complaint_says_X``                      whether it affirms intent X
    ``complaint_product_predicted``           the likeliest product, before the given one is learnt
    ``complaint_product_confidence``          share
    ``complaint_near_duplicates``             customers who sent near this text within the window
    ``complaint_topic_rise``                  times more often than before, its most risen term
    ========================================  ==================================================

    All are missing without a text.  The last four are of the event that opens a complaint
    (received); its later steps would count one text twice.
    """

    def __init__(
        self, declaration: Declaration, demand: Collection[str], hasher: Hasher = PLAIN
    ) -> None:
        self._declaration, self._hasher = declaration, hasher
        self._columns = {
            name: column for name, column in declaration.columns.items() if name in demand
        }
        self.limits: Counter[Limit] = Counter()
        mentions = {"complaint_intent", "complaint_severity"}
        mentions |= {SAYS + intent for intent in declaration.severities}
        guessed = {"complaint_product_predicted", "complaint_product_confidence"}
        wanted = self._columns.keys()
        near_duplicates = declaration.near_duplicates
        self._parts = _Parts(
            Lexicon(declaration.severities, declaration.phrases, declaration.reach)
            if wanted & mentions
            else None,
            ProductModel(declaration.products.names, declaration.products.warm_up)
            if wanted & guessed
            else None,
            NearDuplicates(
                declaration.near_duplicates_within_ms,
                near_duplicates.similarity,
                near_duplicates.min_words,
                near_duplicates.max_groups,
                near_duplicates.max_customers,
            )
            if "complaint_near_duplicates" in wanted
            else None,
            Topics(
                declaration.rising, declaration.topics.max_topics, declaration.topics.max_customers
            )
            if "complaint_topic_rise" in wanted
            else None,
        )

    def read(self, rows: Rows, event_time: NDArray[np.int64]) -> None:
        """Add the columns to complaints that happened at ``event_time`` int64[n], ms UTC."""
        if not self._columns:
            return
        columns: dict[str, Array] = {
            name: np.full(len(rows), _MISSING[column.kind], _DTYPES[column.kind])
            for name, column in self._columns.items()
        }
        for row, event in enumerate(rows.events):
            if isinstance(event, Complaint) and event.text:
                for name, value in self._values(event, int(event_time[row])).items():
                    if name in columns:
                        columns[name][row] = value
        rows.columns.update(columns)

    def _values(self, event: Complaint, at_ms: int) -> dict[str, float]:
        """The values of one complaint by column."""
        text = event.text or ""
        values = self._mentions(text)
        parts = self._parts
        if event.status != _OPENS or not (parts.product or parts.near_duplicates or parts.topics):
            return values
        split = words(fold(text))
        hashes = hash_words(split)
        if parts.product is not None:
            predicted, confidence = parts.product.predict(hashes)
            values["complaint_product_predicted"] = predicted
            values["complaint_product_confidence"] = confidence
            parts.product.learn(hashes, event.product)
        customer = self._hasher.text(event.customer_id)
        if parts.near_duplicates is not None:
            near_duplicates = parts.near_duplicates.count(hashes, customer, at_ms, self.limits)
            values["complaint_near_duplicates"] = near_duplicates
        if parts.topics is not None:
            values["complaint_topic_rise"] = parts.topics.rise(
                split, hashes, event.complaint_id, customer, at_ms, self.limits
            )
        return values

    def _mentions(self, text: str) -> dict[str, float]:
        """The columns of the intents that the lexicon finds."""
        if self._parts.lexicon is None:
            return {}
        found = self._parts.lexicon.intents(text)
        gravest = max(found, key=found.__getitem__, default=None)
        names = list(self._declaration.severities)
        return {
            "complaint_intent": -1 if gravest is None else names.index(gravest),
            "complaint_severity": severity(found),
            **{SAYS + name: int(TRUE if name in found else FALSE) for name in names},
        }

    @property
    def topics(self) -> list[Topic]:
        """The topics that rise now; none where their column is not read."""
        return self._parts.topics.current if self._parts.topics else []

    def carry(self, old: "TextReader") -> None:
        """Go on with what ``old`` has learnt, where it is declared the same."""
        mine, theirs = self._declaration, old._declaration  # noqa: SLF001
        parts, before = self._parts, old._parts  # noqa: SLF001
        if parts.product and before.product and mine.products == theirs.products:
            parts.product.restore(before.product.snapshot())
        if (
            parts.near_duplicates
            and before.near_duplicates
            and mine.near_duplicates == theirs.near_duplicates
        ):
            parts.near_duplicates.restore(before.near_duplicates.snapshot())
        if parts.topics and before.topics and mine.topics == theirs.topics:
            parts.topics.restore(before.topics.snapshot())

    def snapshot(self) -> dict[str, Buffer]:
        """All that was learnt of texts; equal states give equal bytes."""
        return {WHOLE_STATE: msgspec.msgpack.encode([part.snapshot() for part in self._learning()])}

    def restore(self, parts: Parts) -> None:
        """Restore the state that :meth:`snapshot` returned, under the same configuration."""
        saved = msgspec.msgpack.decode(bytes(parts[WHOLE_STATE]), type=list[bytes])
        for part, each in zip(self._learning(), saved, strict=True):
            part.restore(each)

    def spot(self) -> bytes:
        """What was learnt last of each kind."""
        return b"".join(part.spot() for part in self._learning())

    def _learning(self) -> list[ProductModel | NearDuplicates | Topics]:
        parts = self._parts
        return [
            part
            for part in (parts.product, parts.near_duplicates, parts.topics)
            if part is not None
        ]
