"""An event type as tables that the scanner reads: names, kinds, limits, defaults.

Everything comes from the msgspec struct, so that the scanner has the same limits as
the decoder.
"""

from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
from msgspec import inspect
from numpy.typing import NDArray

from sentinel.model.columns import EVENT_TIME, FIELDS, UNKNOWN, Array, Kind
from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.model.ids import PLAIN, Hasher

TEXT, WORD, TRUTH, NUMBER, AMOUNT, TIME = range(6)
"""How the scanner reads a field: text, one of a vocabulary, true or false, a number, a
number or decimal text, a time."""

KIND, NULLABLE, REQUIRED, NAME_AT, NAME_BYTES, LEAST, MOST, WORDS_AT, WORDS, OUT, SPAN = range(11)
"""Columns of a shape's field table; LEAST and MOST are a text's length in characters, SPAN is
the row of its span."""


class Shape(NamedTuple):
    """One stream's fields as the scanner sees them.

    ``fields`` int64[fields, 11]; ``bounds`` float64[fields, 2] the least and greatest
    number; ``names`` uint8[bytes] the field names one after the other; ``words``
    uint8[bytes] all vocabularies, ``word_ends`` int64[words + 1] where each begins and ends.
    """

    fields: NDArray[np.int64]
    bounds: NDArray[np.float64]
    names: NDArray[np.uint8]
    words: NDArray[np.uint8]
    word_ends: NDArray[np.int64]


class Columns(NamedTuple):
    """Where the scanner writes, n records: a row per wanted column of each dtype.

    ``numbers`` float64[·, n], ``hashes`` uint64[·, n], ``codes`` int16[·, n], ``truths``
    int8[·, n], ``times`` int64[n]; filled with each field's default beforehand.  ``spans``
    int64[·, n, 2]: first byte and length of each raw text that is wanted.
    """

    numbers: NDArray[np.float64]
    hashes: NDArray[np.uint64]
    codes: NDArray[np.int16]
    truths: NDArray[np.int8]
    times: NDArray[np.int64]
    spans: NDArray[np.int64]


class Plan:
    """A stream's shape together with the columns, and the texts, that are wanted of it.

    ``default_text`` has the texts of absent ``raw_fields`` one after the other, UTF-8.
    """

    def __init__(
        self, stream: Stream, wanted: frozenset[str], raw_fields: frozenset[str], hasher: Hasher
    ) -> None:
        self.raw_fields = tuple(name for name in FIELDS[stream] if name in raw_fields)
        types = {field.name: field for field in _fields(stream)}
        defaults = [types[name].default for name in self.raw_fields]
        texts = [default.encode() if isinstance(default, str) else b"" for default in defaults]
        self.default_text = b"".join(texts)
        lengths = np.array([len(text) for text in texts], np.int64)
        self._default_spans = np.stack([np.cumsum(lengths) - lengths, lengths], 1)[:, None, :]
        self._rows: dict[str, tuple[Kind, int]] = {}
        missing: dict[Kind, list[Any]] = {kind: [] for kind in _DTYPES}
        fields = np.zeros((len(types), 11), np.int64)
        bounds = np.zeros((len(types), 2), np.float64)
        names, words, word_ends = bytearray(), bytearray(), [0]
        for index, (name, column) in enumerate(FIELDS[stream].items()):
            each, row = types[name], fields[index]
            reader, nullable, least, most, low, high = _reading(each.type)
            row[[KIND, NULLABLE, REQUIRED]] = reader, nullable, each.required
            row[[NAME_AT, NAME_BYTES]] = len(names), len(name)
            row[[LEAST, MOST]] = least, most
            row[[WORDS_AT, WORDS]] = len(word_ends) - 1, len(column.vocabulary)
            row[OUT] = -1
            row[SPAN] = self.raw_fields.index(name) if name in self.raw_fields else -1
            bounds[index] = low, high
            names += name.encode()
            for word in column.vocabulary:
                words += word.encode()
                word_ends.append(len(words))
            if name in wanted and column.kind is not Kind.TIME:
                row[OUT] = len(missing[column.kind])
                self._rows[name] = column.kind, len(missing[column.kind])
                missing[column.kind].append(_missing(column.kind, each, column, hasher))
        self._missing = [np.array(missing[kind], dtype)[:, None] for kind, dtype in _DTYPES.items()]
        self.shape = Shape(
            fields,
            bounds,
            np.frombuffer(bytes(names), np.uint8),
            np.frombuffer(bytes(words) or b"\0", np.uint8),
            np.array(word_ends, np.int64),
        )

    def columns(self, n: int, text_at: int) -> Columns:
        """Room for ``n`` records, all fields absent; the default text stands at ``text_at``."""
        numbers, hashes, codes, truths = (
            np.empty((len(each), n), each.dtype) for each in self._missing
        )
        for block, default in zip((numbers, hashes, codes, truths), self._missing, strict=True):
            block[:] = default
        spans = np.repeat(np.add(self._default_spans, (text_at, 0)), n, axis=1)
        return Columns(numbers, hashes, codes, truths, np.zeros(n, np.int64), spans)

    def views(self, names: Collection[str]) -> "Views":
        """Access to the memory of columns by these names."""
        kinds = tuple(_DTYPES)
        return Views(
            tuple(
                (name, kinds.index(kind), row)
                for name in names
                if name != EVENT_TIME
                for kind, row in (self._rows[name],)
            )
        )

    def hash_rows(self, names: Collection[str]) -> NDArray[np.int64]:
        """Where the texts of these names stand among the hashes, int64[names]."""
        return np.array([self._rows[name][1] for name in names], np.int64)


class Views:
    """Some columns by name; ``at`` has the block and row of each but the time."""

    def __init__(self, at: tuple[tuple[str, int, int], ...]) -> None:
        self._at = at

    def of(self, columns: Columns) -> dict[str, Array]:
        """Their memory."""
        blocks = [[*block] for block in columns[: len(_DTYPES)]]
        found: dict[str, Array] = {name: blocks[block][row] for name, block, row in self._at}
        found[EVENT_TIME] = columns.times
        return found


_DTYPES = {
    Kind.NUMBER: np.float64,
    Kind.STRING: np.uint64,
    Kind.CODE: np.int16,
    Kind.TRUTH: np.int8,
}


@cache
def plan(
    stream: Stream,
    wanted: frozenset[str],
    raw_fields: frozenset[str] = frozenset(),
    hasher: Hasher = PLAIN,
) -> Plan:
    """How to scan ``stream`` for the wanted columns; few are asked for, each is made once."""
    return Plan(stream, wanted, raw_fields, hasher)


def _fields(stream: Stream) -> Collection[inspect.Field]:
    return cast("inspect.StructType", inspect.type_info(EVENT_TYPES[stream])).fields


def _reading(type_: inspect.Type) -> tuple[int, bool, int, int, float, float]:
    """(how to read, may be null, least and most characters, least and greatest number)."""
    options = type_.types if isinstance(type_, inspect.UnionType) else (type_,)
    nullable = any(isinstance(each, inspect.NoneType) for each in options)
    match [each for each in options if not isinstance(each, inspect.NoneType)]:
        case [inspect.StrType(min_length=least, max_length=most, pattern=None)]:
            return TEXT, nullable, least or 0, most if most is not None else 2**62, 0, 0
        case [inspect.LiteralType()]:
            return WORD, nullable, 0, 0, 0, 0
        case [inspect.BoolType()]:
            return TRUTH, nullable, 0, 0, 0, 0
        case [inspect.FloatType(gt=None, ge=low, lt=None, le=high)]:
            return NUMBER, nullable, 0, 0, _or(low, -np.inf), _or(high, np.inf)
        case [inspect.FloatType(gt=None, ge=low, lt=None, le=high), inspect.StrType()]:
            return AMOUNT, nullable, 0, 0, _or(low, -np.inf), _or(high, np.inf)
        case [inspect.IntType(ge=low, le=high), inspect.DateTimeType(tz=True)]:
            return TIME, nullable, 0, 0, _or(low, -np.inf), _or(high, np.inf)
    raise AssertionError(type_)


def _or(bound: float | None, otherwise: float) -> float:
    return otherwise if bound is None else bound


def _missing(kind: Kind, field: inspect.Field, column: Any, hasher: Hasher) -> Any:
    """What the column holds where the field is not there."""
    default = None if field.default is msgspec.NODEFAULT else field.default
    match kind:
        case Kind.NUMBER:
            return np.nan if default is None else default
        case Kind.STRING:
            return 0 if default is None else hasher.text(default)
        case Kind.CODE:
            return -1 if default is None else column.vocabulary.index(default)
        case _:
            return UNKNOWN if default is None else np.int8(2 * default)
