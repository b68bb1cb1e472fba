"""The layouts of all kinds as the tables that :func:`~sentinel.entities.gather.gather` reads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentinel.entities.layout import GATHERED, KindLayout, Table
from sentinel.model.entity import EntityKind, owner_key


@dataclass(frozen=True, slots=True)
class GatherTables:
    """GATHERED[kinds], the PARTs of all kinds, and the prefixes of their Kafka keys as bytes.

    ``widths`` are the words of a row of each kind, ``before`` those of the kinds before it,
    ``width`` of all.
    """

    kinds: Table
    parts: Table
    prefixes: NDArray[np.uint8]
    widths: tuple[int, ...]
    before: tuple[int, ...]
    width: int

    @classmethod
    def of(cls, layouts: Sequence[KindLayout]) -> "GatherTables":
        """The tables of these kinds, in this order."""
        kinds = np.zeros(len(layouts), GATHERED)
        prefixes, parts, before = b"", 0, 0
        for k, layout in enumerate(layouts):
            prefix = owner_key(layout.kind, "").encode()
            kinds[k] = (
                layout.mask,
                layout.customer_mask,
                layout.width,
                before,
                parts,
                parts + len(layout.parts),
                len(prefixes),
                len(prefixes) + len(prefix),
                layout.kind is EntityKind.BANK,
            )
            prefixes, before = prefixes + prefix, before + layout.width
            parts += len(layout.parts)
        return cls(
            kinds,
            np.concatenate([layout.parts for layout in layouts]) if layouts else kinds,
            np.frombuffer(prefixes, np.uint8),
            tuple(layout.width for layout in layouts),
            tuple(kinds["before"].tolist()),
            before,
        )
