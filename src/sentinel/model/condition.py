"""Conditions that one room asks for and another compiles, in a language of its own."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import Column, Table
from sentinel.model.document import Document


class Condition(Protocol):
    """A compiled condition over the columns of one stream."""

    @property
    def names(self) -> frozenset[str]:
        """The columns that it reads."""

    def truth(self, rows: Table) -> NDArray[np.int8]:
        """Kleene truth of each row, int8[n]."""


class Compile(Protocol):
    """How a ``where`` becomes a :class:`Condition`; raises ConfigError."""

    def __call__(
        self,
        text: str,
        columns: Mapping[str, Column],
        document: Document | None = None,
        path: tuple[str | int, ...] = (),
    ) -> Condition:
        """Check and compile ``text``; errors stand at ``path`` of ``document``."""
