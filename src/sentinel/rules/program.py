"""All conditions over one table as one program: what they have in common is evaluated once.

Checked conditions (``nodes``) become instructions for the ``interpreter``, each part that several
conditions contain once.  A program costs the same handful of calls whether it is run for one row
or for fifty thousand; nothing is compiled for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import EVENT_TIME, Kind, Table
from sentinel.rules.interpreter import (
    BLOCK,
    LEFT_UNSURE,
    NEGATED,
    RIGHT_UNSURE,
    WIDTH,
    Op,
    hits,
    pack,
    run,
)
from sentinel.rules.nodes import (
    Arithmetic,
    Both,
    Choice,
    CompareNumbers,
    Either,
    Has,
    Listed,
    Literal,
    Name,
    Node,
    Not,
    OneOf,
    SameText,
    SameTruth,
    TextTest,
)

_HAS = {
    Kind.STRING: Op.HAS_TEXT,
    Kind.CODE: Op.HAS_CODE,
    Kind.TRUTH: Op.HAS_TRUTH,
    Kind.NUMBER: Op.HAS_NUMBER,
    Kind.TIME: Op.HAS_NUMBER,
}
_NUMBERS, _TEXTS, _TRUTHS = range(3)
_BANKS = {
    Kind.NUMBER: _NUMBERS,
    Kind.TIME: _NUMBERS,
    Kind.CODE: _NUMBERS,
    Kind.STRING: _TEXTS,
    Kind.TRUTH: _TRUTHS,
}
_DTYPES = (np.float64, np.uint64, np.int8)
_FIRST_HITS = 1_024


class Hit(NamedTuple):
    """A row of which a condition holds, and what every part of it came to there."""

    rows: Table
    row: int
    truths: bytes
    registers: Mapping[str, int]

    def truth(self, node: Node) -> int:
        """Kleene truth of a part."""
        return self.truths[self.registers[node.key]]


@dataclass(frozen=True, slots=True)
class Hits:
    """Which conditions hold of which rows of a table, in order of rows, then of conditions.

    ``conditions`` and ``rows`` int64[h]; ``truths`` int8[h, registers] is every part's truth of
    the hit's row.
    """

    table: Table
    conditions: NDArray[np.int64]
    rows: NDArray[np.int64]
    truths: NDArray[np.int8]
    registers: Mapping[str, int]

    def at(self, number: int) -> Hit:
        """One of them, to explain it."""
        return Hit(
            self.table, int(self.rows[number]), self.truths[number].tobytes(), self.registers
        )


class Program:
    """The conditions with these roots, over tables whose columns are of their schema."""

    def __init__(self, roots: Sequence[Node]) -> None:
        self._registers: dict[str, int] = {}
        self._sizes = [0, 0, 0]
        self._code: list[tuple[int, ...]] = []
        self._columns: tuple[list[str], ...] = ([], [], [])
        self._tests: list[tuple[int, TextTest]] = []
        self._constants: list[tuple[int, int, float]] = []
        self._wanted_numbers: list[float] = []
        self._wanted_texts: list[NDArray[np.uint64]] = []
        self._until_ms: list[NDArray[np.int64]] = []
        self._texts_wanted = 0
        self._asks_time = False
        self._load(roots)
        self._roots = np.array([self._compile(root) for root in roots], np.int64)
        self._program = np.array(self._code, np.int64).reshape(-1, WIDTH)
        self._memory = [
            np.empty(size * BLOCK, dtype) for size, dtype in zip(self._sizes, _DTYPES, strict=True)
        ]
        self._n, self._banks = 0, self._cut(0)
        self._literals = (
            np.array(self._wanted_numbers, np.float64),
            np.concatenate([np.zeros(0, np.uint64), *self._wanted_texts]),
            np.concatenate([np.zeros(0, np.int64), *self._until_ms]),
        )
        self._no_time = np.zeros(BLOCK, np.int64)
        self._capacity = _FIRST_HITS  # as many hits as a step had before, and room for more

    def __len__(self) -> int:
        """How many instructions there are."""
        return len(self._code)

    def truths(self, rows: Table) -> NDArray[np.int8]:
        """Kleene truth of each condition of each row, int8[conditions, n]."""
        found = np.empty((len(self._roots), len(rows)), np.int8)
        for start in range(0, len(rows), BLOCK):
            n, truths = self._run(rows, start)
            found[:, start : start + n] = truths[self._roots]
        return found

    def bits(self, rows: Table, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each row, int64[n], the bits of the conditions that hold, which have ``numbers``."""
        packed = np.empty(len(rows), np.int64)
        for start in range(0, len(rows), BLOCK):
            n, truths = self._run(rows, start)
            pack(truths, self._roots, numbers, n, packed[start:])
        return packed

    def hits(self, rows: Table) -> Hits:
        """Where conditions hold."""
        while True:
            capacity = self._capacity
            which, where = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
            seen = np.empty((capacity, self._sizes[_TRUTHS]), np.int8)
            found = 0
            for start in range(0, len(rows), BLOCK):
                n, truths = self._run(rows, start)
                found = hits(truths, self._roots, n, start, which, where, seen, found)
            if found <= capacity:
                return Hits(rows, which[:found], where[:found], seen[:found], self._registers)
            self._capacity = 2 * found

    def _run(self, rows: Table, start: int) -> tuple[int, NDArray[np.int8]]:
        """Run over a block of rows; how many they are, and the truths int8[registers, n]."""
        columns, n = rows.columns, min(BLOCK, len(rows) - start)
        end = start + n
        if n != self._n:
            self._n, self._banks = n, self._cut(n)
        for memory, names in zip(self._memory, self._columns, strict=True):
            if names:
                parts = [columns[name] for name in names]
                if n < len(rows):
                    parts = [part[start:end] for part in parts]
                np.concatenate(parts, out=memory[: len(names) * n], casting="unsafe")
        numbers, texts, truths = self._banks
        for register, test in self._tests:
            truths[register] = test.truths(rows, start, end)
        time: NDArray[np.int64] = self._no_time
        if self._asks_time:
            time = columns[EVENT_TIME][start:end].view(np.int64)
        run(self._program, n, numbers, texts, truths, *self._literals, time)
        return n, truths

    def _cut(self, n: int) -> tuple[Any, Any, Any]:
        """The registers as blocks of ``n`` rows, one behind the other, with their constants."""
        banks = tuple(
            memory[: size * n].reshape(size, n)
            for memory, size in zip(self._memory, self._sizes, strict=True)
        )
        for bank, register, value in self._constants:
            banks[bank][register] = value
        return banks  # type: ignore[return-value]

    def _load(self, roots: Sequence[Node]) -> None:
        """Give the columns the first registers of their banks, so that they are copied at once."""
        for root in roots:
            for node in _names_in(root):
                if node.key not in self._registers:
                    bank = _BANKS[node.kind]
                    self._registers[node.key] = self._allocate(bank)
                    self._columns[bank].append(node.column.name)

    def _compile(self, node: Node) -> int:
        """The register of a node's value; its instructions are added if they are new."""
        known = self._registers.get(node.key)
        if known is not None:
            return known
        bank = _BANKS[node.kind]
        match node:
            case Literal(literal=literal):
                register = self._allocate(bank)
                value = 2.0 * bool(literal) if node.kind is Kind.TRUTH else float(literal)
                self._constants.append((bank, register, value))
            case TextTest():
                register = self._allocate(bank)
                self._tests.append((register, node))
            case Both(terms=terms):
                register = self._fold(Op.AND, terms)
            case Either(terms=terms):
                register = self._fold(Op.OR, terms)
            case _:
                op, reads, flags = self._instruction(node)
                register = self._allocate(bank)
                self._code.append((op, register, *reads, *(0,) * (3 - len(reads)), flags))
        self._registers[node.key] = register
        return register

    def _fold(self, op: Op, terms: Sequence[Node]) -> int:
        register = self._compile(terms[0])
        for term in terms[1:]:
            other, out = self._compile(term), self._allocate(_TRUTHS)
            self._code.append((op, out, register, other, 0, 0))
            register = out
        return register

    def _instruction(self, node: Node) -> tuple[Op, tuple[int, ...], int]:
        """The operation of a node with one instruction, what it reads, and its flags."""
        match node:
            case Arithmetic(left=left, right=right, operation=operation):
                return operation, (self._compile(left), self._compile(right)), 0
            case CompareNumbers(left=left, right=right, comparison=(op, swapped, negated)):
                if swapped:
                    left, right = right, left
                return op, (self._compile(left), self._compile(right)), _flags(negated, left, right)
            case OneOf(subject=subject, negated=negated):
                return self._one_of(node), self._literal_range(node), _flags(negated, subject)
            case Listed(subject=subject, entries=entries):
                self._asks_time = True
                start = self._texts_wanted
                self._want(entries.hashes, entries.until_ms)
                reads = (self._compile(subject), start, self._texts_wanted)
                return Op.LISTED, reads, _flags(False, subject)
            case SameText(left=left, right=right, negated=negated):
                return Op.SAME_TEXT, (self._compile(left), self._compile(right)), negated * NEGATED
            case SameTruth(left=left, right=right, negated=negated):
                return Op.SAME_TRUTH, (self._compile(left), self._compile(right)), negated * NEGATED
            case Has(subject=subject):
                return _HAS[subject.column.kind], (self._compile(subject),), 0
            case Not(inner=inner):
                return Op.NOT, (self._compile(inner),), 0
            case Choice(condition=condition, then=then, otherwise=otherwise):
                op = Op.CHOOSE_TRUTH if node.kind is Kind.TRUTH else Op.CHOOSE_NUMBER
                return op, tuple(map(self._compile, (condition, then, otherwise))), 0
        raise NotImplementedError(type(node).__name__)

    def _one_of(self, node: OneOf) -> Op:
        if node.subject.kind is Kind.STRING:
            return Op.TEXT_IN
        return Op.NUMBER_IN if node.missing is None else Op.CODE_IN

    def _literal_range(self, node: OneOf) -> tuple[int, int, int]:
        """The subject's register, and where the wanted literals stand."""
        subject = self._compile(node.subject)
        if node.subject.kind is Kind.STRING:
            start = self._texts_wanted
            wanted = np.array(node.wanted, np.uint64)
            self._want(wanted, np.zeros(len(wanted), np.int64))
            return subject, start, self._texts_wanted
        start = len(self._wanted_numbers)
        self._wanted_numbers += [float(each) for each in node.wanted]
        return subject, start, len(self._wanted_numbers)

    def _want(self, texts: NDArray[np.uint64], until_ms: NDArray[np.int64]) -> None:
        self._wanted_texts.append(texts)
        self._until_ms.append(until_ms)
        self._texts_wanted += len(texts)

    def _allocate(self, bank: int) -> int:
        register = self._sizes[bank]
        self._sizes[bank] += 1
        return register


def _names_in(node: Node) -> Iterator[Name]:
    """The names in a condition, from left to right."""
    if isinstance(node, Name):
        yield node
    for each in () if isinstance(node, TextTest) else node.parts():
        yield from _names_in(each)


def _flags(negated: bool, left: Node, right: Node | None = None) -> int:
    unsure = LEFT_UNSURE * (not left.sure)
    if right is not None:
        unsure |= RIGHT_UNSURE * (not right.sure)
    return unsure | NEGATED * negated
