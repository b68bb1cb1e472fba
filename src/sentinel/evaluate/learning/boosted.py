"""Boosted trees that are taught from outside: scored here, grown elsewhere."""

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sentinel.evaluate.learning.forest import Forest, mean
from sentinel.evaluate.learning.probability import Platt
from sentinel.model.columns import Column, Kind
from sentinel.model.document import Document, did_you_mean
from sentinel.model.duration import parse_duration

MAX_FEATURES = 256


class BoostedEntry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a risk engineer writes; see :class:`sentinel.evaluate.learning.boost.Growth`.

    A model is grown every ``refit``; the newest ``average`` of them score together.
    """

    features: list[str]
    refit: str
    average: Annotated[int, Meta(ge=1, le=16)] = 1
    trees: Annotated[int, Meta(ge=1, le=1_000)] = 100
    num_leaves: Annotated[int, Meta(ge=2, le=255)] = 15
    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.1
    feature_fraction: Annotated[float, Meta(gt=0, le=1)] = 0.5
    min_data_in_leaf: Annotated[int, Meta(ge=1)] = 100
    lambda_l2: Annotated[float, Meta(ge=0)] = 10.0
    max_bin: Annotated[int, Meta(ge=2, le=255)] = 63
    min_frauds: Annotated[int, Meta(ge=1)] = 200
    seed: int

    @property
    def refit_ms(self) -> int:
        """The time between two models, of a checked entry."""
        return parse_duration(self.refit)


def declare(document: Document, columns: dict[str, Column]) -> BoostedEntry:
    """Read a boosted detector against the columns that exist; raises ConfigError."""
    entry = document.convert(BoostedEntry)
    if not 1 <= len(entry.features) <= MAX_FEATURES:
        message = f"a detector has 1 to {MAX_FEATURES} features"
        raise document.error(("features",), message)
    usable = [name for name, column in columns.items() if column.kind is Kind.NUMBER]
    for i, name in enumerate(entry.features):
        if name not in usable:
            message, hint = f'no number "{name}"', did_you_mean(name, usable)
            raise document.error(("features", i), message, hint)
        if name in entry.features[:i]:
            raise document.error(("features", i), f'"{name}" stands there twice')
    document.duration_ms(("refit",), entry.refit)
    return entry


class Boosted:
    """The newest ``average`` forests and the scale that makes their margin a probability.

    It is what it was taught last: scoring changes nothing, so cuts and restarts cannot either.

    Notes
    -----
    It fails on kinds of fraud of which no label has come yet, and for as long as labels take
    where fraud changes its ways: keep an unsupervised detector beside it.
    """

    def __init__(self, average: int) -> None:
        self._average = average
        self._forests: list[Forest] = []
        self._mean: Forest | None = None
        self._platt = Platt()

    def install(self, forest: Forest, platt: Platt) -> None:
        """Score with this forest too from now on; beyond ``average``, drop the oldest."""
        self._forests = [*self._forests, forest][-self._average :]
        self._mean, self._platt = mean(self._forests), platt

    def margins(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Log odds of fraud of each row of float32[n, d], float64[n]; NaN before a first model."""
        if self._mean is None:
            return np.full(len(values), np.nan)
        return self._mean.margins(values)

    def probabilities(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probabilities, float64[n]; NaN where the margin is."""
        return self._platt.probabilities(margins)

    def contributions(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """What each feature added to each margin, float64[n, d]; see Forest.contributions."""
        if self._mean is None:
            return np.full(values.shape, np.nan)
        return self._mean.contributions(values)

    def snapshot(self) -> bytes:
        """The forests and their scale."""
        scale = (self._platt.slope, self._platt.offset)
        return msgspec.msgpack.encode(([each.encode() for each in self._forests], scale))

    def restore(self, data: bytes) -> None:
        """Restore the state that :meth:`snapshot` returned."""
        kind = tuple[list[bytes], tuple[float, float]]
        forests, scale = msgspec.msgpack.decode(data, type=kind)
        self._forests = [Forest.decode(each) for each in forests]
        self._mean = mean(self._forests) if forests else None
        self._platt = Platt(*scale)
