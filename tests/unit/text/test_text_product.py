"""The product of a complaint, learnt from others."""

import math

import numpy as np

from sentinel.text.fold import fold, words
from sentinel.text.hashes import Hashes, hash_words
from sentinel.text.product import ProductModel

PRODUCTS = ("card", "loan", "fund")
WORDS = {
    "card": "card terminal merchant refund chip pin declined",
    "loan": "instalment arrears lender repay interest early house",
    "fund": "units manager promised principal redeem market loss",
}
OTHERS = "the bank told me that nothing can be done about it and i waited for weeks"


def _hashes(text: str) -> Hashes:
    return hash_words(words(fold(text)))


def _complaints(n: int, seed: int) -> list[tuple[str, Hashes]]:
    """Complaints of five telling words and ten idle ones."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        product = str(random.choice(PRODUCTS))
        chosen = [
            *random.choice(WORDS[product].split(), 2).tolist(),
            *random.choice(OTHERS.split(), 10).tolist(),
        ]
        made.append((product, _hashes(" ".join(chosen))))
    return made


def _taught(n: int, seed: int = 1) -> ProductModel:
    model = ProductModel(PRODUCTS, warm_up=10)
    for product, hashes in _complaints(n, seed):
        model.learn(hashes, product)
    return model


def test_it_learns() -> None:
    """After 100 complaints nine of ten others are told right."""
    model, others = _taught(100), _complaints(200, seed=2)
    right = sum(PRODUCTS[model.predict(hashes)[0]] == product for product, hashes in others)
    assert right >= 180


def test_it_says_nothing_before_its_warm_up_or_of_nothing() -> None:
    """Missing rather than guessed; names alone are no warm-up."""
    predicted, confidence = _taught(9).predict(_hashes("card"))
    assert predicted == -1
    assert math.isnan(confidence)
    assert _taught(10).predict(_hashes("。。。"))[0] == -1


def test_a_name_is_an_example() -> None:
    """A product that nobody has complained of yet is told by its name."""
    model = ProductModel(("credit_card", "home_loan"), warm_up=0)
    assert [model.predict(_hashes(text))[0] for text in ("my card", "the loan")] == [0, 1]


def test_confidence_is_a_share_and_higher_for_the_telling() -> None:
    """More telling words, more confidence."""
    model = _taught(100)
    _, sure = model.predict(_hashes(WORDS["loan"]))
    _, unsure = model.predict(_hashes("bank card lender"))
    assert 0 < unsure < sure <= 1


def test_unknown_products_teach_nothing() -> None:
    """Only products of the configuration are learnt, and only from words."""
    model = _taught(20)
    before = model.snapshot()
    model.learn(_hashes("some words"), "insurance")
    model.learn(_hashes("some words"), None)
    model.learn(_hashes(""), "card")
    assert model.snapshot() == before


def test_a_restored_model_goes_on_the_same() -> None:
    """Predictions and the next snapshot are those of a model that never stopped."""
    steady, other = _taught(50), _taught(30, seed=9)
    other.restore(steady.snapshot())
    assert other.snapshot() == steady.snapshot()
    for product, hashes in _complaints(30, seed=3):
        assert other.predict(hashes) == steady.predict(hashes)
        for model in (steady, other):
            model.learn(hashes, product)
    assert other.snapshot() == steady.snapshot()
