"""Any plain anomaly detector of river, one event at a time."""

import inspect
import io
import math
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentinel.detect.entry import DetectorError, Entry
from sentinel.detect.ranges import Range
from sentinel.model.document import did_you_mean

_TOPS = {"HalfSpaceTrees": 1.0}
"""Models of river whose scores have a known bound."""
_TRIAL_EVENTS = 3
_SAFE_BUILTINS = {"dict", "list", "set", "frozenset", "tuple", "int", "float", "complex", "object"}
_SAFE_MODULES = ("river", "collections", "numpy")
_SAFE_NAMES = {("functools", "partial"), ("random", "Random"), ("copyreg", "__newobj__")}


class RiverModel:
    """A model of ``river.anomaly`` as a :class:`Detector`.

    Parameters
    ----------
    model
        Its name within river, like ``anomaly.OneClassSVM``.  river is imported here, as
        it takes two seconds: who configures no river model never waits for it.
    params
        What its constructor takes.  A model that has a ``seed`` needs one.
    features, ranges
        Names and ranges; the model sees each value as its share of the range, 0 to 1.

    Notes
    -----
    A missing value is read as the mean share of the values present so far (the
    middle of the range before the first), because most models of river keep only
    the features of the first event they see.  A score that is not finite is missing.

    It costs 10 to 1000 times our own kernels per event; for trials and comparisons, not
    for busy streams.

    References
    ----------
    Montiel et al.: River: machine learning for streaming data in Python. JMLR 22, 2021.
    """

    def __init__(
        self,
        model: str,
        params: Mapping[str, object],
        features: Sequence[str],
        ranges: Sequence[Range],
    ) -> None:
        made = _find(model, params)
        self.top = _TOPS.get(made.__name__, 0.0)
        self._features, self._ranges = tuple(features), tuple(ranges)
        self._sums = [0.5] * len(self._features)
        self._counts = [1] * len(self._features)
        self._model = _make(made, params, self._features)

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score each row of float64[n, d], then learn it; see :class:`Detector`."""
        scores = np.empty(len(values), np.float64)
        for row, each in enumerate(values.tolist()):
            shares = self._shares(each)
            score = float(self._model.score_one(shares))
            scores[row] = score if math.isfinite(score) else math.nan
            self._model.learn_one(shares)
        return scores

    def _shares(self, values: list[float]) -> dict[str, float]:
        shares: dict[str, float] = {}
        for i, (name, value) in enumerate(zip(self._features, values, strict=True)):
            if math.isnan(value):
                shares[name] = self._sums[i] / self._counts[i]
            else:
                shares[name] = self._ranges[i].share(value)
                self._sums[i] += shares[name]
                self._counts[i] += 1
        return shares

    def snapshot(self) -> bytes:
        """The model as a pickle, the only form that river gives its models.

        Feature names are stored as their index, so that a restored model, which meets
        the same name objects as one that never stopped, gives the same bytes.
        """
        out = io.BytesIO()
        _Pickler(out, self._features).dump((self._model, self._sums, self._counts))
        return out.getvalue()

    def restore(self, data: bytes) -> None:
        """Restore the state of the same model; raises pickle.UnpicklingError on foreign types."""
        self._model, self._sums, self._counts = _Unpickler(data, self._features).load()


def _find(model: str, params: Mapping[str, object]) -> type[Any]:
    """The class that ``model`` names, after a check of the parameters' names."""
    from river import anomaly, base  # noqa: PLC0415 - slow, and only for who configures it

    plain = {
        f"anomaly.{name}": getattr(anomaly, name)
        for name in anomaly.__all__
        if issubclass(getattr(anomaly, name), base.AnomalyDetector)
    }
    if model not in plain:
        message = f'river has no plain anomaly detector "{model}"'
        raise DetectorError(("model",), message, did_you_mean(model, plain) or "like " + min(plain))
    made: type[Any] = plain[model]
    known = list(inspect.signature(made).parameters)
    for name in params:
        if name not in known:
            message = f'{model} has no parameter "{name}"'
            raise DetectorError(("params", name), message, did_you_mean(name, known))
    if "seed" in known and type(params.get("seed")) is not int:
        raise DetectorError(("params",), f"{model} needs a seed", "params: {seed: 7}")
    return made


def _make(made: type[Any], params: Mapping[str, object], features: Sequence[str]) -> Any:
    """The model, after a trial of a few events on one that is thrown away."""
    try:
        trial = made(**params)
        for _ in range(_TRIAL_EVENTS):
            trial.score_one(dict.fromkeys(features, 0.5))
            trial.learn_one(dict.fromkeys(features, 0.5))
    except Exception as error:
        message = f"{made.__name__} does not work with these params: {error}"
        raise DetectorError(("params",), message) from error
    return made(**params)


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, features: Sequence[str]) -> None:
        super().__init__(file, protocol=5)
        self._indices = {name: index for index, name in enumerate(features)}

    def persistent_id(self, thing: object) -> int | None:
        return self._indices.get(thing) if type(thing) is str else None


class _Unpickler(pickle.Unpickler):
    """Loads the types that river's models are made of, and nothing that could act."""

    def __init__(self, data: bytes, features: Sequence[str]) -> None:
        super().__init__(io.BytesIO(data))
        self._features = features

    def persistent_load(self, index: int) -> str:
        return self._features[index]

    def find_class(self, module: str, name: str) -> Any:
        safe = (
            (module == "builtins" and name in _SAFE_BUILTINS)
            or (module, name) in _SAFE_NAMES
            or module.split(".", maxsplit=1)[0] in _SAFE_MODULES
        )
        if not safe or "." in name:  # a dotted name could reach what its module imports
            raise pickle.UnpicklingError(f"a snapshot holds no {module}.{name}")
        return super().find_class(module, name)


class RiverEntry(Entry, tag="river", frozen=True, kw_only=True):
    """See :class:`RiverModel`."""

    model: str
    params: dict[str, bool | int | float | str] = {}  # noqa: RUF012 - a Struct copies it

    def build(self, ranges: Mapping[str, Range]) -> RiverModel:
        """A model that has learnt nothing; raises DetectorError where river has none such."""
        return RiverModel(self.model, self.params, tuple(ranges), tuple(ranges.values()))
