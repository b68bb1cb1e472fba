"""Supervised detection as in life: score, wait for the label, learn, score on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sentinel.evaluate.learning.boost import Growth, boost
from sentinel.evaluate.learning.boosted import Boosted
from sentinel.evaluate.learning.label_history import LabelHistory
from sentinel.evaluate.learning.pending import Answer, Labelled, Pending, Scored, joined
from sentinel.evaluate.learning.probability import fit_platt
from sentinel.evaluate.learning.training_buffer import TrainingBuffer
from sentinel.evaluate.setup import Setup
from sentinel.features import FeatureSet, LocalTime
from sentinel.model.columns import Array, Batch, Rows
from sentinel.model.events import Event, Stream
from sentinel.rules import ConditionCompiler
from sentinel.state import Slots

_CUSTOMER_TTL_MS = 400 * 86_400_000
_LONGEST_STEP_MS = 6 * 3_600_000


@dataclass(frozen=True, slots=True)
class Events:
    """Transactions as columns, n rows by time.

    ``event_id`` and ``customer`` uint64[n] hashes, ``time`` int64[n] ms UTC; ``columns`` holds the
    fields that features and risk read, by name.
    """

    event_id: NDArray[np.uint64]
    customer: NDArray[np.uint64]
    time: NDArray[np.int64]
    columns: dict[str, Array]

    def __len__(self) -> int:
        return len(self.time)

    def part(self, start: int, end: int) -> "Events":
        """The rows from ``start`` up to ``end``."""
        rows = slice(start, end)
        return Events(
            self.event_id[rows],
            self.customer[rows],
            self.time[rows],
            {name: column[rows] for name, column in self.columns.items()},
        )


class _Unseen(Sequence[Event]):
    """A sequence of events without content: features read columns only."""

    def __init__(self, n: int) -> None:
        self._n = n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: object) -> Event:  # type: ignore[override]
        raise NotImplementedError


class Prequential:
    """Features, risk by due labels, and a model that is grown again from due labels.

    The model of a span of ``refit`` is grown at its beginning, counted from 1970, from what was due
    then: scores depend on events and answers, not on how they are cut into steps.
    """

    def __init__(self, setup: Setup, max_customers: int) -> None:
        entry, risk = setup.detector, setup.feedback.entry.risk
        self._setup, self._entry = setup, entry
        self._growth = Growth(
            trees=entry.trees,
            num_leaves=entry.num_leaves,
            learning_rate=entry.learning_rate,
            feature_fraction=entry.feature_fraction,
            min_data_in_leaf=entry.min_data_in_leaf,
            lambda_l2=entry.lambda_l2,
            max_bin=entry.max_bin,
            seed=entry.seed,
        )
        of_ratios = {name for pair in setup.ratios.values() for name in pair}
        demand = {risk.evidence, *entry.features, *of_ratios}
        self._features = FeatureSet(
            setup.declarations,
            {Stream.TRANSACTION: frozenset(demand)},
            ConditionCompiler(),
            LocalTime(ZoneInfo("UTC")),
            max_customers,
            max_customers,
        )
        self._slots = Slots(max_customers, _CUSTOMER_TTL_MS)
        width, feedback = len(entry.features), setup.feedback
        self._evidence = entry.features.index(risk.evidence)
        self._pending = Pending(feedback.entry.max_pending, feedback.delay_ms, width)
        self._buffer = TrainingBuffer(
            feedback.entry.max_rows, feedback.keep_ms, feedback.entry.genuine_share, width
        )
        self._risk = LabelHistory(
            risk.max_entities,
            risk.history,
            _CUSTOMER_TTL_MS,
            feedback.delay_ms,
            [(each.question, each.window_ms) for each in feedback.measures],
        )
        self._boosted = Boosted(entry.average)
        self._span = -1
        self.lost = 0
        """Labels that were dropped at capacity, and entities that were evicted."""
        self.models = 0
        """How many models were grown."""

    def answer(self, answer: Answer) -> None:
        """Note the label of an event; it counts from when labels of its time are due."""
        self._pending.answer(answer)

    def step(self, events: Events) -> NDArray[np.float64]:
        """The probability of fraud of each event, float64[n]; NaN before the first model.

        Answers on what is due before the last of ``events`` must have been given, so a step is
        shorter than the delay of labels.
        """
        longest_ms = min(_LONGEST_STEP_MS, self._setup.feedback.delay_ms)
        changes = [
            np.flatnonzero(np.diff(events.time // each))
            for each in (self._entry.refit_ms, longest_ms)
        ]
        ends = [*(np.union1d(*changes) + 1).tolist(), len(events)]
        parts = [events.part(start, end) for start, end in pairwise([0, *ends]) if end > start]
        return np.concatenate([np.zeros(0), *(self._score(part) for part in parts)])

    def _score(self, events: Events) -> NDArray[np.float64]:
        span = int(events.time[0]) // self._entry.refit_ms
        dues = []
        if span > self._span:
            self._span = span
            dues.append(self._drain_due(span * self._entry.refit_ms))
            self._refit()
        dues.append(self._drain_due(int(events.time.max())))
        values, entity = self._values(events, joined(dues))
        margins = self._boosted.margins(values)
        self.lost += self._pending.hold(
            Scored(events.event_id, events.time, entity, values, margins)
        )
        return self._boosted.probabilities(margins)

    def _values(
        self, events: Events, due: Labelled
    ) -> tuple[NDArray[np.float32], NDArray[np.uint64]]:
        """The model's features of each event, and the hash of what its risk is kept by."""
        n, risk = len(events), self._setup.feedback.entry.risk
        index = np.arange(n)
        rows = Rows(Stream.TRANSACTION, _Unseen(n), index, events.time, dict(events.columns))
        batch = Batch(
            event_time=events.time,
            stream=np.zeros(n, np.int8),
            customer=events.customer,
            row=index,
            late=np.zeros(n, np.bool_),
            order=events.time,
            rows={Stream.TRANSACTION: rows},
        )
        slots, fresh, _ = self._slots.assign(events.customer, events.time)
        self.lost += self._features.update(batch, slots, fresh)
        with np.errstate(divide="ignore", invalid="ignore"):
            for name, (above, below) in self._setup.ratios.items():
                rows.columns[name] = np.divide(rows.columns[above], rows.columns[below])
        entity = np.asarray(rows.columns[risk.by], np.uint64)
        evidence = due.values[:, self._evidence].astype(np.float64)
        measures, lost = self._risk.advance(entity, events.time, due, evidence)
        self.lost += lost
        for measure, column in zip(self._setup.feedback.measures, measures, strict=True):
            rows.columns[measure.name] = column
        names = self._entry.features
        values = np.empty((n, len(names)), np.float32)
        for at, name in enumerate(names):
            values[:, at] = rows.columns[name]
        return values, entity

    def _drain_due(self, now_ms: int) -> Labelled:
        due = self._pending.due(now_ms)
        self.lost += self._buffer.add(due)
        return due

    def _refit(self) -> None:
        row = self._buffer.row()
        if np.count_nonzero(row.fraud) < self._entry.min_frauds:
            return
        growth = replace(self._growth, seed=self._growth.seed + self.models)
        forest = boost(row.values, row.fraud, row.weight, growth)
        scored = ~np.isnan(row.margin)
        platt = fit_platt(row.margin[scored], row.fraud[scored], row.weight[scored])
        self._boosted.install(forest, platt)
        self.models += 1
