"""All rules of a configuration, run over a batch."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

import msgspec

from sentinel.model.columns import Batch, Schema
from sentinel.model.document import Document
from sentinel.model.events import Event, Stream
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.signal import Clause, Mode, Signal
from sentinel.model.stage import WHOLE_STATE, Buffer, Parts
from sentinel.model.step import Limit
from sentinel.rules.declare import Rule, declare
from sentinel.rules.expression import NO_RATES, Expression, compile_expression
from sentinel.rules.lists import EntryList
from sentinel.rules.pattern import Match
from sentinel.rules.program import Hits, Program


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition of one rule on one stream; ``part`` is its number in a pattern, from 0."""

    order: int
    stream: Stream
    expression: Expression
    part: int | None


_Hit = tuple[int, int, int, int, int, int, _Condition, Hits, int]
"""Index of the event, order of the rule, part of its pattern, row, event and append time in ms,
condition, and which of the hits it is."""


def load(
    documents: Sequence[Document],
    schema: Schema,
    lists: Mapping[str, EntryList],
    only: Collection[str] | None = None,
    hasher: Hasher = PLAIN,
    rates: Mapping[str, float] = NO_RATES,
) -> "RuleSet":
    """Check and compile rule files, of the rules only those named; raises ConfigError."""
    rules: list[Rule] = []
    conditions: list[_Condition] = []
    for rule, document, number in declare(documents):
        if only is not None and rule.id not in only:
            continue
        order, at = len(rules), ("rules", number)
        found: list[_Condition] = []
        for key, pattern in rule.patterns.items():
            for part, (stream, when, where) in enumerate(pattern.parts):
                expression = compile_expression(
                    when, schema[stream], document, (*at, key, *where), lists, hasher, rates
                )
                found.append(_Condition(order, stream, expression, part))
        if rule.when is not None and rule.by is None:
            for stream in rule.streams:
                expression = compile_expression(
                    rule.when, schema[stream], document, (*at, "when"), lists, hasher, rates
                )
                found.append(_Condition(order, stream, expression, None))
        rules.append(rule)
        if rule.mode is not Mode.OFF:
            conditions += found
    return RuleSet(tuple(rules), tuple(conditions))


class RuleSet:
    """Compiled rules and the state of their patterns."""

    def __init__(self, rules: tuple[Rule, ...], conditions: tuple[_Condition, ...]) -> None:
        self.rules = rules
        self._conditions = {
            stream: tuple(condition for condition in conditions if condition.stream is stream)
            for stream in Stream
        }
        self._programs = {
            stream: Program([condition.expression.root for condition in each])
            for stream, each in self._conditions.items()
        }
        self._followed = {
            order: pattern.follow()
            for order, rule in enumerate(rules)
            for pattern in rule.patterns.values()
            if rule.mode is not Mode.OFF
        }
        self.limits: Counter[Limit] = Counter()

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
        """The signals of a batch, ordered by (index of the event, order of the rule)."""
        hits: list[_Hit] = []
        for stream, rows in batch.rows.items():
            found = self._programs[stream].hits(rows)
            if len(found.rows):
                mine = [self._conditions[stream][each] for each in found.conditions.tolist()]
                indexes = rows.index[found.rows]
                hits += zip(
                    indexes.tolist(),
                    [condition.order for condition in mine],
                    [condition.part or 0 for condition in mine],
                    found.rows.tolist(),
                    batch.event_time[indexes].tolist(),
                    rows.recorded_ms[found.rows].tolist(),
                    mine,
                    repeat(found),
                    range(len(mine)),
                )
        hits.sort()  # no two agree in index, order and part
        signals: list[Signal] = []
        for hit in hits:
            index, order, _, row, time, recorded_ms, condition, found, number = hit
            stream = condition.stream
            event = batch.rows[stream].events[row]
            if condition.part is not None:
                signals += self._follow(hit, event)
            else:
                match = Match(time, event.event_id, recorded_ms, stream, ())
                explain = partial(condition.expression.explain, found, number)
                signals.append(self._signal(order, index, event.customer_id, match, explain))
        return signals

    def _follow(self, hit: _Hit, event: Event) -> list[Signal]:
        """Apply the match of a pattern's part; signals for the final events that it completes."""
        index, order, part, _, time, recorded_ms, condition, found, number = hit
        match = Match(time, event.event_id, recorded_ms, condition.stream, ())
        chains = self._followed[order].process(
            event.customer_id,
            part,
            match,
            partial(condition.expression.explain, found, number),
            self.limits,
        )
        return [
            self._signal(
                order,
                index,
                event.customer_id,
                chain[-1],
                partial(_explain_chain, chain),
            )
            for chain in chains
        ]

    def _signal(
        self,
        order: int,
        index: int,
        customer_id: str,
        match: Match,
        explain: Callable[[], tuple[Clause, ...]],
    ) -> Signal:
        rule = self.rules[order]
        return Signal(
            index=index,
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
            explain=explain,
            actions=tuple(rule.actions),
            runbook=rule.runbook,
        )

    def spot(self) -> bytes:
        """The customers of whom each sequence got a match last."""
        return b"".join(each.spot() for each in self._followed.values())

    def carry(self, old: "RuleSet") -> None:
        """Go on with what is under way of the rules whose pattern is the same."""
        before = {old.rules[order].id: (order, each) for order, each in old._followed.items()}  # noqa: SLF001
        for order, state in self._followed.items():
            rule = self.rules[order]
            if rule.id in before:
                earlier, same = before[rule.id]
                if old.rules[earlier].patterns == rule.patterns:
                    state.restore(same.snapshot())

    def snapshot(self) -> dict[str, Buffer]:
        """The state of all patterns, by rule id."""
        return {
            WHOLE_STATE: msgspec.msgpack.encode(
                [(self.rules[order].id, each.snapshot()) for order, each in self._followed.items()]
            )
        }

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave, under the same rules."""
        saved = dict(
            msgspec.msgpack.decode(bytes(parts[WHOLE_STATE]), type=list[tuple[str, bytes]])
        )
        for order, state in self._followed.items():
            state.restore(saved[self.rules[order].id])


def _explain_chain(chain: Sequence[Match]) -> tuple[Clause, ...]:
    return tuple(clause for each in chain for clause in each.clauses)
