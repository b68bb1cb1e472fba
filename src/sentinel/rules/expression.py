"""A compiled condition, and why it held."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import TRUE, UNKNOWN, Column, Kind, Rows
from sentinel.model.document import ConfigError, Document
from sentinel.model.signal import Clause
from sentinel.rules.check import Checker
from sentinel.rules.nodes import Both, Choice, Either, Frame, Name, Node
from sentinel.rules.syntax import ConditionError, parse

_SHOWN = 64  # characters of a text value in an explanation


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition over the columns of one stream."""

    root: Node
    names: frozenset[str]

    def truth(self, rows: Rows) -> NDArray[np.int8]:
        """Kleene truth of each row, int8[n]."""
        return self.truth_in(Frame(rows))

    def truth_in(self, frame: Frame) -> NDArray[np.int8]:
        """The same, sharing what other conditions have evaluated in ``frame``."""
        truth = self.root.value(frame)
        return np.broadcast_to(np.asarray(truth, np.int8), len(frame.rows))

    def explain(self, frame: Frame, row: int) -> tuple[Clause, ...]:
        """The comparisons that made the condition true for a row, with what they read."""
        clauses: list[Clause] = []
        _collect(self.root, frame, row, clauses)
        return tuple(clauses)


def compile_expression(
    text: str,
    columns: Mapping[str, Column],
    document: Document | None = None,
    place: tuple[str | int, ...] = (),
) -> Expression:
    """Check and compile a condition; raises ConfigError at ``place`` of ``document``."""
    try:
        root = Checker(text, columns).condition(parse(text))
    except ConditionError as error:
        raise _located(error, text, document, place) from None
    return Expression(root, frozenset(_names(root)))


def _located(
    error: ConditionError, text: str, document: Document | None, place: tuple[str | int, ...]
) -> ConfigError:
    if document is None:
        line = text.count("\n", 0, error.offset) + 1
        column = error.offset - (text.rfind("\n", 0, error.offset) + 1) + 1
        return ConfigError("condition", line, column, error.message, error.hint)
    line, column = document.position(*place)
    shift = error.offset + document.scalar_shift(*place) if "\n" not in text else 0
    return ConfigError(document.path, line, column + shift, error.message, error.hint)


def _names(node: Node) -> set[str]:
    names = {node.column.name} if isinstance(node, Name) else set()
    return names.union(*(_names(part) for part in node.parts()))


def _at(node: Node, frame: Frame, row: int) -> int:
    truth = np.asarray(node.value(frame))
    return int(truth if truth.ndim == 0 else truth[row])


def _collect(node: Node, frame: Frame, row: int, clauses: list[Clause]) -> None:
    if isinstance(node, Both | Either):
        for term in node.terms:
            if _at(term, frame, row) == TRUE:
                _collect(term, frame, row, clauses)
    elif isinstance(node, Choice):
        _collect(node.condition, frame, row, clauses)
        branch = node.then if _at(node.condition, frame, row) == TRUE else node.otherwise
        _collect(branch, frame, row, clauses)
    else:
        names = sorted(_named(node), key=lambda name: name.text)
        values = {name.column.name: _read(name.column, frame.rows, row) for name in names}
        clauses.append(Clause(node.text, values))


def _named(node: Node) -> set[Name]:
    names = {node} if isinstance(node, Name) else set()
    return names.union(*(_named(part) for part in node.parts()))


def _read(column: Column, rows: Rows, row: int) -> float | str | bool | None:
    """The value that a person would see."""
    value = rows.columns[column.name][row]
    match column.kind:
        case Kind.NUMBER | Kind.TIME:
            return None if np.isnan(float(value)) else float(value)
        case Kind.TRUTH:
            return None if value == UNKNOWN else bool(value == TRUE)
        case Kind.CODE:
            return column.vocabulary[int(value)] if value >= 0 else None
        case _:
            text = getattr(rows.events[row], column.name)
            return None if text is None else str(text)[:_SHOWN]
