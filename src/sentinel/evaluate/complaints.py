"""Evaluates how well the product of a complaint is predicted from its text.

Prequential: each complaint is predicted, then learnt, in the order of the file; counted are the
predictions of the last half.  The products are those of the file, and known from the start, as a
bank's are.  Folds are the same over the file shuffled, by fixed seeds: they show how
much the order matters.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from sentinel.text.fold import fold, words
from sentinel.text.hashes import Hashes, hash_words
from sentinel.text.product import ProductModel

FOLDS = 5
_TEXTS = ("narrative", "text")


class DataError(Exception):
    """The file is not what is evaluated."""


@dataclass(frozen=True, slots=True)
class Narrative:
    """A complaint's text, as hashes, and its true product."""

    product: str
    hashes: Hashes


class ProductFigures(msgspec.Struct, frozen=True):
    """One product: ``count`` true ones; shares, None without any to divide by."""

    count: int
    precision: float | None
    recall: float | None


class Report(msgspec.Struct, frozen=True):
    """``accuracy`` of ``scored`` complaints in file order; ``folds`` of the shuffled ones.

    ``confusion`` counts complaints by true product, then by predicted one.
    """

    complaints: int
    scored: int
    accuracy: float
    folds: list[float]
    mean: float
    spread: float
    products: dict[str, ProductFigures]
    confusion: dict[str, dict[str, int]]


def read_narratives(path: Path) -> list[Narrative]:
    """The complaints of a CSV file with ``product`` and ``narrative`` (or ``text``).

    Raises :class:`DataError` where a column is missing or nothing is there.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        names = reader.fieldnames or ()
        text = next((name for name in _TEXTS if name in names), None)
        if text is None or "product" not in names:
            raise DataError(f"{path}: needs the columns product and narrative (or text)")
        found = [
            Narrative(row["product"], hash_words(words(fold(row[text] or ""))))
            for row in reader
            if row["product"]
        ]
    if len({each.product for each in found}) < 2:
        raise DataError(f"{path}: needs complaints about two products or more")
    return found


def evaluate(narratives: Sequence[Narrative]) -> Report:
    """The figures of complaints in the order given."""
    pairs = _predict(narratives)
    folds = [
        _accuracy(_predict([narratives[index] for index in _shuffled(len(narratives), seed)]))
        for seed in range(FOLDS)
    ]
    confusion = Counter(pairs)
    names = sorted({each.product for each in narratives})
    return Report(
        complaints=len(narratives),
        scored=len(pairs),
        accuracy=_accuracy(pairs),
        folds=folds,
        mean=round(float(np.mean(folds)), 4),
        spread=round(float(np.std(folds)), 4),
        products={name: _figures(confusion, name) for name in names},
        confusion={
            true: {guess: confusion[true, guess] for guess in names if confusion[true, guess]}
            for true in names
        },
    )


def _predict(narratives: Sequence[Narrative]) -> list[tuple[str, str]]:
    """(true, predicted) product of the last half, each predicted before it is learnt."""
    names = sorted({each.product for each in narratives})
    model = ProductModel(names, warm_up=0)
    pairs: list[tuple[str, str]] = []
    for each in narratives:
        index, _ = model.predict(each.hashes)
        pairs.append((each.product, names[index] if index >= 0 else ""))
        model.learn(each.hashes, each.product)
    return pairs[len(pairs) // 2 :]


def _shuffled(n: int, seed: int) -> list[int]:
    order: list[int] = np.random.default_rng(seed).permutation(n).tolist()
    return order


def _accuracy(pairs: Sequence[tuple[str, str]]) -> float:
    return round(sum(true == guess for true, guess in pairs) / len(pairs), 4)


def _figures(confusion: Counter[tuple[str, str]], name: str) -> ProductFigures:
    right = confusion[name, name]
    true = sum(count for (product, _), count in confusion.items() if product == name)
    guessed = sum(count for (_, guess), count in confusion.items() if guess == name)
    return ProductFigures(true, _share(right, guessed), _share(right, true))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
