"""Typed parts of a condition, each of which evaluates itself over columns.

Numbers are float64 arrays (NaN is missing) or a float; truths are int8 arrays of 0
(false), 1 (unknown), 2 (true) or a single int8.  AND is minimum, OR is maximum, NOT is
``2 - x``: Kleene's logic, which is what CEL's absorbing of errors amounts to.  A part is
evaluated once per :class:`Frame`, however many rules contain it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sentinel.model.columns import EVENT_TIME, FALSE, TRUE, UNKNOWN, Column, Kind, Table
from sentinel.model.network import network_of
from sentinel.rules.lists import EntryList

Value = Any  # an array or a scalar of the node's kind
_ADDRESS = "ip"


@dataclass(slots=True)
class Frame:
    """The rows under evaluation, and every part evaluated so far, by its text."""

    rows: Table
    known: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node(ABC):
    """A part of a condition: ``text`` as written, ``key`` the same without layout."""

    text: str
    key: str
    kind: Kind
    sure: bool  # never missing, so no check is needed

    def value(self, frame: Frame) -> Value:
        """The value over the frame's rows."""
        known = frame.known.get(self.key)
        if known is None:
            known = frame.known[self.key] = self.compute(frame)
        return known

    @abstractmethod
    def compute(self, frame: Frame) -> Value:
        """Evaluate over the frame's rows."""

    def parts(self) -> tuple["Node", ...]:
        """The nodes directly inside this one."""
        return ()


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, text or truth as written."""

    literal: float | str | bool

    def compute(self, frame: Frame) -> Value:  # noqa: ARG002 - the same for all rows
        """A scalar: a float, or a truth as int8."""
        if self.kind is Kind.TRUTH:
            return TRUE if self.literal else FALSE
        return self.literal


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A column."""

    column: Column

    def compute(self, frame: Frame) -> Value:
        """The column's array; times as numbers of milliseconds."""
        array = frame.rows.columns[self.column.name]
        return array.astype(np.float64) if self.column.kind is Kind.TIME else array


def _has_value(kind: Kind, array: Value) -> Value:
    """Where a column has a value, bool[n]."""
    match kind:
        case Kind.STRING:
            return array != 0
        case Kind.CODE:
            return array >= 0
        case Kind.TRUTH:
            return array != UNKNOWN
        case _:
            return ~_missing(array)


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """``left operation right`` on numbers; NaN where either is missing."""

    left: Node
    right: Node
    operation: Callable[[Value, Value], Value]

    def compute(self, frame: Frame) -> Value:
        """Numbers; division by zero gives infinity or, for 0/0, missing."""
        with np.errstate(all="ignore"):
            return self.operation(self.left.value(frame), self.right.value(frame))

    def parts(self) -> tuple[Node, ...]:
        """Both operands."""
        return self.left, self.right


def _missing(value: Value) -> Value:
    return np.isnan(value)


@dataclass(frozen=True, slots=True)
class CompareNumbers(Node):
    """``left < right`` and its kin on numbers."""

    left: Node
    right: Node
    comparison: Callable[[Value, Value], Value]
    negated: bool  # "!=" is the negation of "=="

    def compute(self, frame: Frame) -> Value:
        """Truths; unknown where either side is missing."""
        left, right = self.left.value(frame), self.right.value(frame)
        truth = np.multiply(self.comparison(left, right), TRUE, dtype=np.int8)
        if not self.left.sure:
            truth = truth | _missing(left)
        if not self.right.sure:
            truth = (
                truth | _missing(right)
                if self.left.sure
                else np.where(_missing(right), UNKNOWN, truth)
            )
        return TRUE - truth if self.negated else truth

    def parts(self) -> tuple[Node, ...]:
        """Both operands."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class OneOf(Node):
    """``name in [..]`` and ``name == literal`` on text, enums and numbers.

    ``wanted`` are the literals as the column's array holds them, ``missing`` what it
    holds where there is no value (None: NaN).
    """

    subject: Node
    wanted: tuple[Value, ...]
    missing: int | None
    negated: bool

    def compute(self, frame: Frame) -> Value:
        """Truths; unknown where the subject is missing."""
        array = self.subject.value(frame)
        present = np.zeros(np.shape(array), np.bool_)
        for each in self.wanted:
            present = present | (array == each)
        truth = np.multiply(present, TRUE, dtype=np.int8)
        if not self.subject.sure:
            missing = _missing(array) if self.missing is None else array == self.missing
            truth = np.where(missing, UNKNOWN, truth)
        return TRUE - truth if self.negated else truth

    def parts(self) -> tuple[Node, ...]:
        """The subject."""
        return (self.subject,)


@dataclass(frozen=True, slots=True)
class Listed(Node):
    """``name in lists.some``: whether the list holds the text at the moment of the event."""

    subject: Name
    entries: EntryList

    def compute(self, frame: Frame) -> Value:
        """Truths; unknown where the subject is missing."""
        array = self.subject.value(frame)
        event_time: Value = frame.rows.columns[EVENT_TIME]
        listed = self.entries.holds(array, event_time)
        truth = np.multiply(listed, TRUE, dtype=np.int8)
        return truth if self.subject.sure else np.where(array == 0, UNKNOWN, truth)

    def parts(self) -> tuple[Node, ...]:
        """The subject."""
        return (self.subject,)


@dataclass(frozen=True, slots=True)
class SameText(Node):
    """``left == right`` of two text columns."""

    left: Node
    right: Node
    negated: bool

    def compute(self, frame: Frame) -> Value:
        """Truths; unknown where either is missing."""
        left, right = self.left.value(frame), self.right.value(frame)
        missing = (left == 0) | (right == 0)
        truth = np.where(missing, UNKNOWN, np.multiply(left == right, TRUE, dtype=np.int8))
        return TRUE - truth if self.negated else truth

    def parts(self) -> tuple[Node, ...]:
        """Both operands."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class SameTruth(Node):
    """``left == right`` of two truths."""

    left: Node
    right: Node
    negated: bool

    def compute(self, frame: Frame) -> Value:
        """Truths; unknown where either is unknown."""
        left, right = self.left.value(frame), self.right.value(frame)
        unknown = (left == UNKNOWN) | (right == UNKNOWN)
        truth = np.where(unknown, UNKNOWN, np.multiply(left == right, TRUE, dtype=np.int8))
        return TRUE - truth if self.negated else truth

    def parts(self) -> tuple[Node, ...]:
        """Both operands."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class TextTest(Node):
    """``name.startsWith("..")`` and its kin, on the events' own text.

    An address is tested as its network, in canonical form, see :mod:`sentinel.model.network`.
    """

    subject: Name
    test: Callable[[str, str], bool]
    argument: str

    def compute(self, frame: Frame) -> Value:
        """Truths; unknown where the text is missing, or names nothing."""
        name, events = self.subject.column.name, frame.rows.events
        present = _has_value(self.subject.column.kind, self.subject.value(frame))
        truths = np.full(len(present), UNKNOWN, np.int8)
        for row in np.flatnonzero(present).tolist():
            text = getattr(events[row], name)
            text = network_of(text) if name == _ADDRESS else text
            truths[row] = TRUE if self.test(text, self.argument) else FALSE
        return truths

    def parts(self) -> tuple[Node, ...]:
        """The subject."""
        return (self.subject,)


@dataclass(frozen=True, slots=True)
class Has(Node):
    """``has(name)``: whether there is a value."""

    subject: Name

    def compute(self, frame: Frame) -> Value:
        """Truths, never unknown."""
        present = _has_value(self.subject.column.kind, self.subject.value(frame))
        return np.multiply(present, TRUE, dtype=np.int8)

    def parts(self) -> tuple[Node, ...]:
        """The subject."""
        return (self.subject,)


@dataclass(frozen=True, slots=True)
class Not(Node):
    """``!inner``."""

    inner: Node

    def compute(self, frame: Frame) -> Value:
        """Truths; unknown stays unknown."""
        return TRUE - self.inner.value(frame)

    def parts(self) -> tuple[Node, ...]:
        """What is negated."""
        return (self.inner,)


@dataclass(frozen=True, slots=True)
class Both(Node):
    """``a && b && …``."""

    terms: tuple[Node, ...]

    def compute(self, frame: Frame) -> Value:
        """False if any is false, else unknown if any is unknown, else true."""
        truth = self.terms[0].value(frame)
        for term in self.terms[1:]:
            truth = np.minimum(truth, term.value(frame))
        return truth

    def parts(self) -> tuple[Node, ...]:
        """The terms."""
        return self.terms


@dataclass(frozen=True, slots=True)
class Either(Node):
    """``a || b || …``."""

    terms: tuple[Node, ...]

    def compute(self, frame: Frame) -> Value:
        """True if any is true, else unknown if any is unknown, else false."""
        truth = self.terms[0].value(frame)
        for term in self.terms[1:]:
            truth = np.maximum(truth, term.value(frame))
        return truth

    def parts(self) -> tuple[Node, ...]:
        """The terms."""
        return self.terms


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """``condition ? then : otherwise``; missing where the condition is unknown."""

    condition: Node
    then: Node
    otherwise: Node

    def compute(self, frame: Frame) -> Value:
        """Numbers or truths."""
        condition = self.condition.value(frame)
        then, otherwise = self.then.value(frame), self.otherwise.value(frame)
        unknown = UNKNOWN if self.kind is Kind.TRUTH else np.nan
        chosen = np.where(condition == TRUE, then, np.where(condition == FALSE, otherwise, unknown))
        return chosen.astype(np.int8) if self.kind is Kind.TRUTH else chosen

    def parts(self) -> tuple[Node, ...]:
        """The condition and both branches."""
        return self.condition, self.then, self.otherwise
