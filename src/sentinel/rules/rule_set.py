"""All rules of a configuration, run over a batch."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

import msgspec
import numpy as np

from sentinel.model.columns import TRUE, Batch, Schema
from sentinel.model.document import Document
from sentinel.model.events import Event, Stream
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.signal import Clause, Mode, Signal
from sentinel.model.stage import WHOLE_STATE, Buffer, Parts
from sentinel.model.step import Limit
from sentinel.rules.declare import Rule, declare
from sentinel.rules.expression import Expression, compile_expression
from sentinel.rules.lists import EntryList
from sentinel.rules.nodes import Frame
from sentinel.rules.sequence import Match, SequenceState


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition of one rule on one stream; ``step`` counts a sequence's steps from 0."""

    order: int
    stream: Stream
    expression: Expression
    step: int | None


_Hit = tuple[int, int, int, int, int, int, _Condition, Frame]
"""(place, order of the rule, step, row, event time and record time in ms, watch, frame)"""


def load(
    documents: Sequence[Document],
    schema: Schema,
    lists: Mapping[str, EntryList],
    only: Collection[str] | None = None,
    hasher: Hasher = PLAIN,
) -> "RuleSet":
    """Check and compile rule files, of the rules only those named; raises ConfigError."""
    rules: list[Rule] = []
    conditions: list[_Condition] = []
    for rule, document, place in declare(documents):
        if only is not None and rule.id not in only:
            continue
        order, at = len(rules), ("rules", place)
        found: list[_Condition] = []
        if rule.sequence is not None:
            for step, each in enumerate(rule.sequence.steps):
                where = (*at, "sequence", "steps", step, "when")
                expression = compile_expression(
                    each.when, schema[each.on], document, where, lists, hasher
                )
                found.append(_Condition(order, each.on, expression, step))
        elif rule.when is not None and rule.by is None:
            for stream in rule.streams:
                expression = compile_expression(
                    rule.when, schema[stream], document, (*at, "when"), lists, hasher
                )
                found.append(_Condition(order, stream, expression, None))
        rules.append(rule)
        if rule.mode is not Mode.OFF:
            conditions += found
    return RuleSet(tuple(rules), tuple(conditions))


class RuleSet:
    """Compiled rules and the state of their sequences."""

    def __init__(self, rules: tuple[Rule, ...], conditions: tuple[_Condition, ...]) -> None:
        self.rules = rules
        self._conditions = {
            stream: tuple(condition for condition in conditions if condition.stream is stream)
            for stream in Stream
        }
        self._sequences = {
            order: SequenceState(len(rule.sequence.steps), rule.sequence.within_ms)
            for order, rule in enumerate(rules)
            if rule.sequence is not None and rule.mode is not Mode.OFF
        }
        self._limits: Counter[Limit] = Counter()

    @property
    def demand(self) -> Mapping[Stream, frozenset[str]]:
        """The columns that the rules read, by stream."""
        return {
            stream: frozenset(
                {name for condition in conditions for name in condition.expression.names}
            )
            for stream, conditions in self._conditions.items()
        }

    @property
    def lists_asked(self) -> frozenset[str]:
        """The names of the lists that the rules ask."""
        conditions = [condition for each in self._conditions.values() for condition in each]
        return frozenset({name for condition in conditions for name in condition.expression.lists})

    def evaluate(self, batch: Batch) -> list[Signal]:
        """The signals of a batch, ordered by (place of the event, order of the rule)."""
        hits: list[_Hit] = []
        for stream, rows in batch.rows.items():
            frame = Frame(rows)
            for condition in self._conditions[stream]:
                found = np.flatnonzero(condition.expression.truth_in(frame) == TRUE)
                if found.size:
                    places = rows.index[found]
                    hits += zip(
                        places.tolist(),
                        repeat(condition.order),
                        repeat(condition.step or 0),
                        found.tolist(),
                        batch.event_time[places].tolist(),
                        rows.recorded_ms[found].tolist(),
                        repeat(condition),
                        repeat(frame),
                    )
        hits.sort()  # no two agree in place, order and step
        signals: list[Signal] = []
        for hit in hits:
            place, order, _, row, time, recorded_ms, condition, frame = hit
            stream = condition.stream
            event = batch.rows[stream].events[row]
            if condition.step is not None:
                signals += self._advance(hit, event)
            else:
                clauses = condition.expression.explain(frame, row)
                match = Match(time, event.event_id, recorded_ms, stream, clauses)
                signals.append(self._signal(order, place, event.customer_id, match, clauses))
        return signals

    def _advance(self, hit: _Hit, event: Event) -> list[Signal]:
        """Take a step's match in; signals for the final events that it completes."""
        place, order, step, row, time, recorded_ms, condition, frame = hit
        sequence = self._sequences[order]
        track = sequence.track(event.customer_id, self._limits)
        clauses: tuple[Clause, ...] = ()
        if step < sequence.last_step or track.armed:
            clauses = tuple(
                msgspec.structs.replace(each, step=step + 1)
                for each in condition.expression.explain(frame, row)
            )
        match = Match(time, event.event_id, recorded_ms, condition.stream, clauses)
        return [
            self._signal(
                order,
                place,
                event.customer_id,
                chain[-1],
                tuple(clause for each in chain for clause in each.clauses),
            )
            for chain in sequence.add(track, step, match, self._limits)
        ]

    def _signal(
        self, order: int, place: int, customer_id: str, match: Match, clauses: tuple[Clause, ...]
    ) -> Signal:
        rule = self.rules[order]
        return Signal(
            index=place,
            rule_id=rule.id,
            entity_id=customer_id,
            stream=match.stream,
            event_id=match.event_id,
            event_time=match.event_time,
            recorded_ms=match.recorded_ms,
            risk=rule.risk,
            severity=rule.severity,
            mode=rule.mode,
            title=rule.title,
            clauses=clauses,
            actions=tuple(rule.actions),
            runbook=rule.runbook,
        )

    def drain_limits(self) -> Counter[Limit]:
        """What was forgotten for want of room since the last call."""
        taken, self._limits = self._limits, Counter()
        return taken

    def carry(self, old: "RuleSet") -> None:
        """Go on with the sequences under way of the rules whose steps are the same."""
        before = {old.rules[order].id: (order, each) for order, each in old._sequences.items()}  # noqa: SLF001
        for order, sequence in self._sequences.items():
            rule = self.rules[order]
            if rule.id in before:
                place, same = before[rule.id]
                if old.rules[place].sequence == rule.sequence:
                    sequence.restore(same.snapshot())

    def snapshot(self) -> dict[str, Buffer]:
        """The state of all sequences, by rule id."""
        return {
            WHOLE_STATE: msgspec.msgpack.encode(
                [(self.rules[order].id, each.snapshot()) for order, each in self._sequences.items()]
            )
        }

    def restore(self, parts: Parts) -> None:
        """Take the place of what :meth:`snapshot` saw, under the same rules."""
        saved = dict(
            msgspec.msgpack.decode(bytes(parts[WHOLE_STATE]), type=list[tuple[str, bytes]])
        )
        for order, sequence in self._sequences.items():
            sequence.restore(saved[self.rules[order].id])
