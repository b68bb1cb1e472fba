"""Typed parts of a condition, as they are checked: what a program is compiled from.

Numbers are float64 (NaN is missing), truths int8: 0 (false), 1 (unknown), 2 (true).  AND is
minimum, OR is maximum, NOT is ``2 - x``: Kleene's logic, which is what CEL's absorbing of errors
amounts to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentinel.model.canonical import CANONICAL
from sentinel.model.columns import FALSE, TRUE, UNKNOWN, Column, Kind, Table
from sentinel.rules.interpreter import Op
from sentinel.rules.lists import EntryList


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a condition: ``text`` as written, ``key`` the same without layout."""

    text: str
    key: str
    kind: Kind
    sure: bool  # never missing, so no check is needed

    def parts(self) -> tuple["Node", ...]:
        """The nodes directly inside this one."""
        return ()


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, text or truth as written."""

    literal: float | str | bool


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A column; times are numbers of milliseconds."""

    column: Column


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """An operation on two operands."""

    left: Node
    right: Node

    def parts(self) -> tuple[Node, ...]:
        """Both operands."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class NameTest(Node):
    """A test of the value of one name."""

    subject: Name

    def parts(self) -> tuple[Node, ...]:
        """The subject."""
        return (self.subject,)


@dataclass(frozen=True, slots=True)
class Junction(Node):
    """Truths joined by one sign."""

    terms: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        """The terms."""
        return self.terms


@dataclass(frozen=True, slots=True)
class Arithmetic(Binary):
    """``left operation right`` on numbers; missing where either is.

    Division by zero gives infinity or, for 0/0, missing.
    """

    operation: Op


class Comparison(NamedTuple):
    """How a sign compares two operands by one of the interpreter's operations."""

    operation: Op
    swapped: bool = False  # "a > b" is "b < a"
    negated: bool = False  # "a != b" is "not a == b"


@dataclass(frozen=True, slots=True)
class CompareNumbers(Binary):
    """``left < right`` and its kin on numbers; unknown where either side is missing."""

    comparison: Comparison


@dataclass(frozen=True, slots=True)
class OneOf(NameTest):
    """``name in [..]`` and ``name == literal`` on text, enums and numbers.

    ``wanted`` are the literals as the column's array holds them, ``missing`` what it
    holds where there is no value (None: NaN): there it is unknown.
    """

    wanted: tuple[Any, ...]
    missing: int | None
    negated: bool


@dataclass(frozen=True, slots=True)
class Listed(NameTest):
    """``name in lists.some``: whether the list holds the text at the moment of the event.

    Unknown where the subject is missing.
    """

    entries: EntryList


@dataclass(frozen=True, slots=True)
class SameText(Binary):
    """``left == right`` of two text columns; unknown where either is missing."""

    negated: bool


@dataclass(frozen=True, slots=True)
class SameTruth(Binary):
    """``left == right`` of two truths; unknown where either is unknown."""

    negated: bool


@dataclass(frozen=True, slots=True)
class TextTest(NameTest):
    """``name.startsWith("..")`` and its kin, on the events' own text.

    An address is tested as its network, a country as its alpha-2 code, see
    :mod:`sentinel.model.canonical`.
    """

    test: Callable[[str, str], bool]
    argument: str

    def truths(self, rows: Table, start: int, end: int) -> NDArray[np.int8]:
        """Of the rows from ``start`` to ``end``, int8; unknown where the text names nothing."""
        name, events = self.subject.column.name, rows.events
        array = rows.columns[name][start:end]
        present = np.not_equal(array, 0)
        truths = np.full(end - start, UNKNOWN, np.int8)
        for row in np.flatnonzero(present).tolist():
            text = getattr(events[start + row], name)
            text = CANONICAL.get(name, str)(text)
            truths[row] = TRUE if self.test(text, self.argument) else FALSE
        return truths


@dataclass(frozen=True, slots=True)
class Has(NameTest):
    """``has(name)``: whether there is a value; never unknown."""


@dataclass(frozen=True, slots=True)
class Not(Node):
    """``!inner``; unknown stays unknown."""

    inner: Node

    def parts(self) -> tuple[Node, ...]:
        """What is negated."""
        return (self.inner,)


@dataclass(frozen=True, slots=True)
class Both(Junction):
    """``a && b && …``: false if any is false, else unknown if any is unknown, else true."""


@dataclass(frozen=True, slots=True)
class Either(Junction):
    """``a || b || …``: true if any is true, else unknown if any is unknown, else false."""


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """``condition ? then : otherwise``, of numbers or truths; missing where the condition is."""

    condition: Node
    then: Node
    otherwise: Node

    def parts(self) -> tuple[Node, ...]:
        """The condition and both branches."""
        return self.condition, self.then, self.otherwise
