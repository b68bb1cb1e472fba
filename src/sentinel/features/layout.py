"""The layout of a customer's row: which words each demanded feature has.

Only demanded features are laid out, so a configuration with one rule costs the memory and time
of one rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sentinel.features.builder import Builder, Condition, Piece
from sentinel.features.declare import Declarations
from sentinel.features.kernels.advance import KINDS, Tables
from sentinel.features.kind import Feature
from sentinel.model.events import Stream


@dataclass(frozen=True, slots=True)
class Layout:
    """The tables of the kernels and what feeds them.

    ``bits`` gives each condition its bit; ``values`` and ``ids`` name the rows of the
    kernel's value and id matrices; ``outputs`` names the rows of its result, which the normals of
    the ``measuring`` follow.  ``pieces`` are the parts of a row but for the rings,
    ``overflow_pieces`` those of an overflow row.
    """

    tables: Tables
    bits: dict[Condition, int]
    values: tuple[str, ...]
    ids: tuple[str, ...]
    outputs: tuple[Feature, ...]
    measuring: tuple[Feature, ...]
    ring_fields: dict[Stream, list[str]]
    width: int
    overflow_width: int
    pieces: tuple[Piece, ...]
    overflow_pieces: tuple[Piece, ...]
    uses_local_time: bool


def lay_out(declarations: Declarations, demand: Mapping[Stream, frozenset[str]]) -> Layout:
    """The layout of the demanded features; raises ConfigError where a table overflows."""
    demanded = frozenset().union(*demand.values())
    outputs = [feature for feature in declarations.features if feature.name in demanded]
    kinds = {operation: kind for kind in KINDS for operation in kind.operations}
    build = Builder(outputs, demand, declarations.history, declarations.document)
    for kind in KINDS:
        kind.share(build)
    for feature in outputs:
        kinds[feature.operation].lay_out(build, feature)
    tables = {
        name: build.table(name, columns) for kind in KINDS for name, columns in kind.tables.items()
    }
    return Layout(
        tables=Tables(**tables),
        bits=build.bits,
        values=tuple(build.values),
        ids=tuple(build.ids),
        outputs=tuple(outputs),
        measuring=tuple(build.measuring),
        ring_fields=build.ring_fields,
        width=build.width,
        overflow_width=build.overflow_width,
        pieces=tuple(build.pieces),
        overflow_pieces=tuple(build.overflow_pieces),
        uses_local_time=any(kinds[feature.operation].local_time for feature in outputs),
    )
