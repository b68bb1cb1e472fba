"""A compiled condition, and why it held."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from sentinel.model.columns import EVENT_TIME, TRUE, UNKNOWN, Column, Kind, Table, normal_of
from sentinel.model.countries import COUNTRY_FIELDS, country_of
from sentinel.model.document import ConfigError, Document
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.signal import Clause
from sentinel.rules.check import Checker
from sentinel.rules.lists import EntryList
from sentinel.rules.nodes import Both, Choice, Either, Listed, Name, Node
from sentinel.rules.program import Hit, Hits
from sentinel.rules.syntax import ConditionError, parse

_SHOWN = 64  # characters of a text value in an explanation
_TAIL = 4  # of them of a customer's id
_NO_LISTS: Mapping[str, EntryList] = MappingProxyType({})
NO_RATES: Mapping[str, float] = MappingProxyType({})


class _Leaf(NamedTuple):
    """A part that is explained as one clause: the columns that it reads, and the lists it asks."""

    columns: tuple[Column, ...]
    listed: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition over the columns of one table."""

    root: Node
    names: frozenset[str]
    leaves: Mapping[str, _Leaf]  # by the key of the part
    lists: frozenset[str]  # the names of the lists that it asks

    def explain(self, hits: Hits, number: int) -> tuple[Clause, ...]:
        """The comparisons that made the condition true for one of the hits, and what they read."""
        clauses: list[Clause] = []
        self._collect(self.root, hits.at(number), clauses)
        return tuple(clauses)

    def _collect(self, node: Node, hit: Hit, clauses: list[Clause]) -> None:
        leaf = self.leaves.get(node.key)
        if leaf is not None:
            clauses.append(_clause(node, leaf, hit))
        elif type(node) is Choice:
            condition, then, otherwise = node.parts()
            self._collect(condition, hit, clauses)
            self._collect(then if hit.truth(condition) == TRUE else otherwise, hit, clauses)
        else:
            for term in node.parts():
                if hit.truth(term) == TRUE:
                    self._collect(term, hit, clauses)


def _clause(node: Node, leaf: _Leaf, hit: Hit) -> Clause:
    columns, row = hit.rows.columns, hit.row
    values, normal = {}, {}
    for column in leaf.columns:
        value = values[column.name] = _read(column, hit.rows, row)
        usual = columns.get(normal_of(column.name)) if column.measures else None
        if usual is not None and value is not None:
            values[column.measures] = float(columns[column.measures].item(row))
            normal[column.measures] = float(usual.item(row))
    for part in leaf.listed:
        holds = hit.truth(part) == TRUE
        text_hash = int(columns[part.subject.column.name].item(row))
        values[f"lists.{part.entries.name}"] = part.entries.describe(text_hash) if holds else None
    return Clause(node.text, values, normal)


def compile_expression(
    text: str,
    columns: Mapping[str, Column],
    document: Document | None = None,
    path: tuple[str | int, ...] = (),
    lists: Mapping[str, EntryList] = _NO_LISTS,
    hasher: Hasher = PLAIN,
    rates: Mapping[str, float] = NO_RATES,
) -> Expression:
    """Check and compile a condition; raises ConfigError at ``path`` of ``document``.

    ``hasher`` is that of the columns' texts, and of the lists'; ``rates`` give one unit of a
    currency in base currency.
    """
    try:
        root = Checker(text, columns, lists, hasher, rates).condition(parse(text))
    except ConditionError as error:
        raise _located(error, text, document, path) from None
    leaves = {
        each.key: _Leaf(
            _columns(each), tuple(part for part in _parts(each) if isinstance(part, Listed))
        )
        for each in _parts(root)
        if not isinstance(each, Both | Either | Choice)
    }
    names = frozenset(column.name for column in _columns(root))
    asked = frozenset(part.entries.name for part in _parts(root) if isinstance(part, Listed))
    # Whether a list holds an entry depends on the event's time.
    return Expression(root, names | {EVENT_TIME} if asked else names, leaves, asked)


def _located(
    error: ConditionError, text: str, document: Document | None, path: tuple[str | int, ...]
) -> ConfigError:
    if document is None:
        line = text.count("\n", 0, error.offset) + 1
        column = error.offset - (text.rfind("\n", 0, error.offset) + 1) + 1
        return ConfigError("condition", line, column, error.message, error.hint)
    return document.error(path, error.message, error.hint, error.offset)


def _parts(node: Node) -> Iterator[Node]:
    """The node and all nodes inside it."""
    yield node
    for part in node.parts():
        yield from _parts(part)


def _columns(node: Node) -> tuple[Column, ...]:
    """The columns that a node reads, by name."""
    columns = {part.column.name: part.column for part in _parts(node) if isinstance(part, Name)}
    return tuple(columns[name] for name in sorted(columns))


def _read(column: Column, rows: Table, row: int) -> float | str | bool | None:
    """The value that a person would see."""
    kind = column.kind
    if kind is Kind.STRING:
        text = getattr(rows.events[row], column.name)
        if column.name == "customer_id":  # the alert has the customer, masked as readers need
            return f"…{text[-_TAIL:]}" if len(text) > _TAIL else "…"
        if column.name in COUNTRY_FIELDS:
            return country_of(text or "") or None
        return None if text is None else str(text)[:_SHOWN]
    value = rows.columns[column.name].item(row)
    if kind is Kind.CODE:
        return column.vocabulary[value] if value >= 0 else None
    if kind is Kind.TRUTH:
        return None if value == UNKNOWN else bool(value == TRUE)
    number = float(value)
    return None if number != number else number  # noqa: PLR0124 - only NaN is not itself
