"""The language of conditions as other stages use it: ``where`` of features and measures."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import Column, Kind, Table
from sentinel.model.condition import Wanted
from sentinel.model.document import Document
from sentinel.model.ids import PLAIN, Hasher
from sentinel.rules.expression import Expression, compile_expression
from sentinel.rules.nodes import Both, Has, Literal, Name, Node
from sentinel.rules.program import Program

_ALWAYS = Literal("true", "true", Kind.TRUTH, sure=True, literal=True)


class ProgramBits:
    """See :class:`sentinel.model.condition.Bits`."""

    def __init__(self, roots: Mapping[int, Node]) -> None:
        self._program = Program(list(roots.values()))
        self._bits = np.array(list(roots), np.int64)

    def of(self, rows: Table) -> NDArray[np.int64]:
        """For each row the bits of the purposes for which it is wanted, int64[n]."""
        return self._program.bits(rows, self._bits)


class ConditionCompiler:
    """Compiles conditions on texts that ``hasher`` makes numbers of."""

    def __init__(self, hasher: Hasher = PLAIN) -> None:
        self._hasher = hasher

    def compile(
        self,
        text: str,
        columns: Mapping[str, Column],
        document: Document | None = None,
        path: tuple[str | int, ...] = (),
    ) -> Expression:
        """Check ``text``; raises ConfigError at ``path`` of ``document``."""
        return compile_expression(text, columns, document, path, hasher=self._hasher)

    def bits(self, wanted: Mapping[int, Wanted], columns: Mapping[str, Column]) -> ProgramBits:
        """One program for everything that is wanted, by the number of its bit."""
        return ProgramBits({bit: _root(each, columns) for bit, each in wanted.items()})


def _root(wanted: Wanted, columns: Mapping[str, Column]) -> Node:
    terms: list[Node] = []
    if wanted.condition is not None:
        assert isinstance(wanted.condition, Expression)  # noqa: S101 - we compiled it
        terms.append(wanted.condition.root)
    terms += [_has(columns[name]) for name in wanted.present]
    if len(terms) < 2:
        return terms[0] if terms else _ALWAYS
    key = "(" + " && ".join(each.key for each in terms) + ")"
    return Both(key, key, Kind.TRUTH, all(each.sure for each in terms), tuple(terms))


def _has(column: Column) -> Has:
    name = Name(column.name, column.name, column.kind, column.required, column)
    text = f"has({column.name})"
    return Has(text, text, Kind.TRUTH, sure=True, subject=name)
