"""Contenders measured in turn, so that what the machine does meanwhile hits all alike."""

from collections.abc import Callable, Mapping
from statistics import median

Rates = dict[str, list[float]]


def side_by_side(contenders: Mapping[str, Callable[[], float]], rounds: int) -> Rates:
    """Each contender's figures, A B A B ...; the order turns round by round."""
    figures: Rates = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            figures[name].append(contenders[name]())
    return figures


def ratio(rates: Rates, ours: str, theirs: str) -> float:
    """The median of our rate over theirs, round by round."""
    return median(a / b for a, b in zip(rates[ours], rates[theirs], strict=True))
