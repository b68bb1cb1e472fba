"""The card-fraud protocol of the Fraud Detection Handbook, with our detection in it.

Le Borgne, Siblini, Lebichot, Bontempi: Reproducible machine learning for credit card fraud
detection: practical handbook, 2022.  Their simulator's transactions from 2018-04-01 to
2018-09-04; labels come seven days late; a test week holds only cards on which no fraud is known.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sentinel.evaluate.learning.pending import Answer
from sentinel.evaluate.measures import auc, average_precision, card_precision
from sentinel.evaluate.prequential import Events, Prequential
from sentinel.evaluate.setup import Setup
from sentinel.evaluate.setup import read as read_setup
from sentinel.model.ids import PLAIN
from sentinel.model.response import Verdict

FOLDS = ("2018-08-08", "2018-08-15", "2018-08-22", "2018-08-29")
"""The first days of the four published test weeks."""
PUBLISHED = {
    "logistic regression": (0.868, 0.623, 0.297),
    "random forest": (0.870, 0.678, 0.299),
    "XGBoost, best on test": (0.872, 0.694, 0.304),
    "neural network": (0.876, 0.675, 0.303),
    "balanced bagging": (0.879, 0.680, 0.305),
    "autoencoder, unsupervised": (0.836, 0.180, 0.217),
    "isolation forest, unsupervised": (0.808, 0.164, 0.190),
}
"""AUC, AP and card-precision@100 of others on these weeks, means of the four."""
TOP = 100
_TRAIN_DAYS = _DELAY_DAYS = _TEST_DAYS = 7
_DAY_MS = 86_400_000
_STEP_ROWS = 20_000

Progress = Callable[[int, int], object]
"""Called with how many transactions of how many are done."""

_COLUMNS = (
    "TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD",
)  # fmt: skip


class CardsError(ValueError):
    """The file is not the published one."""


@dataclass(frozen=True, slots=True)
class Cards:
    """The transactions by time, with the columns of the protocol.

    ``card`` int64[n] the customer's number, ``fraud`` bool[n], ``day`` int64[n] days since 1970.
    """

    events: Events
    card: NDArray[np.int64]
    fraud: NDArray[np.bool_]

    @property
    def day(self) -> NDArray[np.int64]:
        """The day of each transaction, int64[n]."""
        return self.events.time // _DAY_MS


@dataclass(frozen=True, slots=True)
class Fold:
    """One test week: its first day and the three measures."""

    start: str
    auc: float
    ap: float
    cp100: float


@dataclass(frozen=True, slots=True)
class Run:
    """Scores float64[n], NaN where there was no model, and what they took."""

    scores: NDArray[np.float64]
    seconds: float
    models: int
    lost: int

    @property
    def events_per_s(self) -> float:
        """Scored events a second; the seconds before the first model count too."""
        return float(np.count_nonzero(~np.isnan(self.scores)) / self.seconds)


def read(path: Path) -> Cards:
    """Read the Parquet file; raises OSError and CardsError."""
    try:
        table = pq.read_table(path, columns=list(_COLUMNS))
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        first = str(error).partition("\n")[0]
        raise CardsError(f"{path}: {first}") from None
    missing = [name for name in _COLUMNS if name not in table.column_names]
    if missing:
        raise CardsError(f'{path}: no column "{missing[0]}"')
    at_ms = table["TX_DATETIME"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    order = np.argsort(at_ms, kind="stable")
    number = {name: table[name].to_numpy()[order] for name in _COLUMNS if name != "TX_DATETIME"}
    events = Events(
        event_id=_hashes("tx-", number["TRANSACTION_ID"]),
        customer=_hashes("C", number["CUSTOMER_ID"]),
        time=at_ms[order],
        columns={
            "amount": number["TX_AMOUNT"].astype(np.float64),
            "merchant_id": _hashes("T", number["TERMINAL_ID"]),
        },
    )
    return Cards(events, number["CUSTOMER_ID"].astype(np.int64), number["TX_FRAUD"] == 1)


@dataclass(frozen=True, slots=True)
class Report:
    """The four weeks, the mean and standard deviation of each measure, and what it took."""

    transactions: int
    frauds: int
    folds: list[Fold]
    mean: dict[str, float]
    spread: dict[str, float]
    events_per_s: float
    models: int


def evaluate(path: Path, folder: Path, progress: Progress) -> Report:
    """Run the protocol with the setup in ``folder``.

    Raises OSError, CardsError and ConfigError.
    """
    setup, cards = read_setup(folder), read(path)
    ran = run(cards, setup, progress)
    folds = [judge(cards, ran.scores, start) for start in FOLDS]
    figures = {name: [getattr(fold, name) for fold in folds] for name in ("auc", "ap", "cp100")}
    return Report(
        transactions=len(cards.events),
        frauds=int(cards.fraud.sum()),
        folds=folds,
        mean={name: float(np.mean(each)) for name, each in figures.items()},
        spread={name: float(np.std(each)) for name, each in figures.items()},
        events_per_s=ran.events_per_s,
        models=ran.models,
    )


def run(cards: Cards, setup: Setup, progress: Progress = lambda *_: None) -> Run:
    """Score every transaction as in life: each label is used when it is due, not before."""
    events, delay_ms = cards.events, setup.feedback.delay_ms
    model = Prequential(setup, max_customers=len(np.unique(cards.card)))
    frauds = np.flatnonzero(cards.fraud)
    answered, scores = 0, []
    started = time.perf_counter()
    for start, end in _steps(events.time, delay_ms):
        known = int(np.searchsorted(events.time[frauds] + delay_ms, events.time[end - 1], "right"))
        for row in frauds[answered:known]:
            model.answer(Answer(int(events.event_id[row]), Verdict.CONFIRMED))
        answered = known
        scores.append(model.step(events.part(start, end)))
        progress(end, len(events))
    seconds = time.perf_counter() - started
    return Run(np.concatenate(scores), seconds, model.models, model.lost)


def judge(cards: Cards, scores: NDArray[np.float64], start: str) -> Fold:
    """The measures of the test week that begins on ``start``.

    Cards leave the week's day when a fraud on them is known: from the training week, and from
    the days since whose labels have come by that day.  Raises CardsError where nothing can be
    measured.
    """
    first = int(np.datetime64(start, "D").astype(np.int64))
    day, train = cards.day, first - _DELAY_DAYS - _TRAIN_DAYS
    rows = []
    for each in range(first, first + _TEST_DAYS):
        known = cards.fraud & (day >= train) & (day < each - _DELAY_DAYS)
        rows.append(np.flatnonzero((day == each) & ~np.isin(cards.card, cards.card[known])))
    week = np.concatenate(rows)
    fraud, score = cards.fraud[week], scores[week]
    if not fraud.any() or np.isnan(score).any():
        raise CardsError(f"the week of {start} has no frauds, or no model was taught before it")
    return Fold(
        start,
        auc(fraud, score),
        average_precision(fraud, score),
        card_precision(day[week], cards.card[week], fraud, score, TOP),
    )


def _steps(time: NDArray[np.int64], delay_ms: int) -> Iterator[tuple[int, int]]:
    """Steps shorter than the delay: what is answered has been scored in a step before."""
    start = 0
    while start < len(time):
        end = int(np.searchsorted(time, time[start] + delay_ms))
        end = min(end, start + _STEP_ROWS)
        yield start, end
        start = end


def _hashes(prefix: str, numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The hash of each id's text, as a mapping would write it; each number is written once."""
    distinct, index = np.unique(numbers, return_inverse=True)
    return PLAIN.texts([f"{prefix}{number}" for number in distinct.tolist()])[index]
