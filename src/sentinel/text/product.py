"""What a complaint is about, learnt from those whose product is known.

Two linear models over hashed words, neighbours and pieces of words vote: complement naive Bayes
(Rennie et al., Tackling the Poor Assumptions of Naive Bayes Text Classifiers, ICML 2003), which
needs few examples, and adaptive regularisation of weights, one against the rest (Crammer et al.,
Adaptive Regularization of Weight Vectors, NIPS 2009), which goes on improving.  A product's own
name is its first example.  Neither forgets: after a change of what a product means, use another
name, which starts empty.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import kernel
from sentinel.text.fold import fold, words
from sentinel.text.hashes import Hashes, hash_words

BUCKETS = 1 << 16
_SMOOTHING = 0.1
_REGULARISATION = 1.0
_NAME_WEIGHT = 3  # examples that a product's name counts for


class _Saved(msgspec.Struct):
    examples: int
    totals: bytes
    used: bytes
    models: bytes


class ProductModel:
    """Predicts one of ``products``; the memory is 12 bytes a bucket and product."""

    def __init__(self, products: Sequence[str], warm_up: int) -> None:
        self.products, self._warm_up = tuple(products), warm_up
        self._numbers = {product: number for number, product in enumerate(self.products)}
        shape = (len(self.products), BUCKETS)
        self._counts, self._weights = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._certainty = np.zeros(shape, np.float32)  # 1 - AROW's variance: 0 where unknown
        self._totals = np.zeros(len(self.products))
        self._known = self._examples = 0  # buckets in use, complaints learnt
        for number, product in enumerate(self.products):
            for _ in range(_NAME_WEIGHT):
                self._learn(*_features(hash_words(words(fold(product.replace("_", " "))))), number)

    def predict(self, hashes: Hashes) -> tuple[int, float]:
        """The index of the likeliest product and the confidence, a share.

        (-1, NaN) before ``warm_up`` examples, or if nothing is known of the text.
        """
        if self._examples < self._warm_up or not len(hashes.words):
            return -1, float("nan")
        scores = self._scores(*_features(hashes))
        likely = np.exp(scores - scores.max())
        best = int(np.argmax(likely))
        return best, float(likely[best] / likely.sum())

    def learn(self, hashes: Hashes, product: str | None) -> None:
        """Learn a complaint whose product is one of ours; ignore others."""
        number = self._numbers.get(product) if product is not None else None
        if number is not None and len(hashes.words):
            self._learn(*_features(hashes), number)
            self._examples += 1

    def _scores(
        self, buckets: NDArray[np.int64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        bayes, margins = np.empty((2, len(self.products)))
        _vote(
            buckets, values, self._counts, self._weights, self._totals, self._known, bayes, margins
        )
        votes: NDArray[np.float64] = (_standard(bayes) + _standard(margins)) / 2
        return votes

    def _learn(self, buckets: NDArray[np.int64], values: NDArray[np.float64], product: int) -> None:
        self._known += int(np.count_nonzero(~self._counts[:, buckets].any(axis=0)))
        self._totals[product] += values.sum()
        _adapt(buckets, values, product, self._counts, self._weights, self._certainty)

    def snapshot(self) -> bytes:
        """All that was learnt; as big as the words that were seen are many."""
        used = np.flatnonzero(self._counts.any(axis=0)).astype(np.uint32)
        models = np.stack([self._counts, self._weights, self._certainty])[:, :, used]
        return msgspec.msgpack.encode(
            _Saved(self._examples, self._totals.tobytes(), used.tobytes(), models.tobytes())
        )

    def spot(self) -> bytes:
        """How many complaints of each product were learnt."""
        return self._examples.to_bytes(8, "little") + self._totals.tobytes()

    def restore(self, data: bytes) -> None:
        """Restore the state of a model of the same products."""
        saved = msgspec.msgpack.decode(data, type=_Saved)
        used = np.frombuffer(saved.used, np.uint32)
        models = np.frombuffer(saved.models, np.float32).reshape(3, len(self.products), len(used))
        self._examples, self._known = saved.examples, len(used)
        self._totals = np.frombuffer(saved.totals).copy()
        for mine, theirs in zip(
            (self._counts, self._weights, self._certainty), models, strict=True
        ):
            mine[:] = 0
            mine[:, used] = theirs


def _features(hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Buckets, ascending, and their weights: logarithms of counts, of length 1 together."""
    hashed = (hashes.all % np.uint64(BUCKETS)).astype(np.int64)
    buckets, counts = np.unique(hashed, return_counts=True)
    values = np.empty(len(buckets))
    _weigh(counts, values)
    return buckets, values


def _standard(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = scores - scores.mean()
    standard: NDArray[np.float64] = centred / (centred.std() + 1e-9)
    return standard


@kernel
def _weigh(counts: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    """Logarithms of counts, scaled to length 1."""
    square = 0.0
    for i in range(len(counts)):
        values[i] = math.log1p(counts[i])
        square += values[i] * values[i]
    for i in range(len(counts)):
        values[i] /= math.sqrt(square)


@kernel
def _vote(
    buckets: NDArray[np.int64],
    values: NDArray[np.float64],
    counts: NDArray[np.float32],
    weights: NDArray[np.float32],
    totals: NDArray[np.float64],
    known: int,
    bayes: NDArray[np.float64],
    margins: NDArray[np.float64],
) -> None:
    """Score one text for every product by both models."""
    everything = 0.0
    for c in range(len(totals)):
        everything += totals[c]
        bayes[c], margins[c] = 0.0, 0.0
    for i in range(len(buckets)):
        b = buckets[i]
        seen = 0.0
        for c in range(len(totals)):
            seen += counts[c, b]
            margins[c] += weights[c, b] * values[i]
        for c in range(len(totals)):
            others = seen - counts[c, b] + _SMOOTHING
            mass = everything - totals[c] + _SMOOTHING * (known + 1)
            bayes[c] += math.log(mass / others) * values[i]


@kernel
def _adapt(
    buckets: NDArray[np.int64],
    values: NDArray[np.float64],
    product: int,
    counts: NDArray[np.float32],
    weights: NDArray[np.float32],
    certainty: NDArray[np.float32],
) -> None:
    """Learn one example in both models."""
    for i in range(len(buckets)):
        counts[product, buckets[i]] += values[i]
    for c in range(len(weights)):
        side = 1.0 if c == product else -1.0
        margin, variance = 0.0, 0.0
        for i in range(len(buckets)):
            margin += weights[c, buckets[i]] * values[i]
            variance += (1.0 - certainty[c, buckets[i]]) * values[i] * values[i]
        if margin * side >= 1.0:
            continue
        beta = 1.0 / (variance + _REGULARISATION)
        alpha = (1.0 - margin * side) * beta
        for i in range(len(buckets)):
            b = buckets[i]
            spread = (1.0 - certainty[c, b]) * values[i]
            weights[c, b] += alpha * side * spread
            certainty[c, b] += beta * spread * spread
