"""Conditions that one room asks for and another compiles, in a language of its own."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import Column, Table
from sentinel.model.document import Document


class Condition(Protocol):
    """A checked condition over the columns of one stream."""

    @property
    def names(self) -> frozenset[str]:
        """The columns that it reads."""


class Wanted(NamedTuple):
    """Which rows are wanted: those of which a condition holds and these columns have a value."""

    condition: Condition | None
    present: tuple[str, ...] = ()


class Bits(Protocol):
    """What is wanted of one table for several purposes, each with a bit of its own."""

    def of(self, rows: Table) -> NDArray[np.int64]:
        """For each row the bits of the purposes for which it is wanted, int64[n]."""


class Compiler(Protocol):
    """The language of conditions, for rooms that may not import it."""

    def compile(
        self,
        text: str,
        columns: Mapping[str, Column],
        document: Document | None = None,
        path: tuple[str | int, ...] = (),
    ) -> Condition:
        """Check ``text``; raises ConfigError at ``path`` of ``document``."""

    def bits(self, wanted: Mapping[int, Wanted], columns: Mapping[str, Column]) -> Bits:
        """One program for everything that is wanted, by the number of its bit."""
