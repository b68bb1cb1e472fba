"""Contenders measured in turn, so that what the machine does meanwhile hits all alike."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

Rates = dict[str, list[float]]


def side_by_side(contenders: Mapping[str, Callable[[], float]], rounds: int) -> Rates:
    """Each contender's figures, A B B A A B ...: the order turns from round to round."""
    figures: Rates = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            figures[name].append(contenders[name]())
    return figures


def ratio(rates: Rates, ours: str, theirs: str) -> float:
    """The median of our rate over theirs, round by round."""
    return median(a / b for a, b in zip(rates[ours], rates[theirs], strict=True))


@contextmanager
def apart(rounds: Callable[..., Iterator[float]], *args: Any) -> Iterator[Callable[[], float]]:
    """A contender in a process of its own; each call gives the next figure of ``rounds``.

    The first figure is that of a warm-up and is dropped.
    """
    spawn = get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(there, rounds, args), daemon=True)
    process.start()

    def next_figure() -> float:
        here.send(True)
        figure: float = here.recv()
        return figure

    try:
        next_figure()
        yield next_figure
    finally:
        here.close()
        process.join()


def _serve(connection: Connection, rounds: Callable[..., Iterator[float]], args: Any) -> None:
    figures = rounds(*args)
    try:
        while connection.recv():
            connection.send(next(figures))
    except EOFError:  # nobody asks any more
        return
