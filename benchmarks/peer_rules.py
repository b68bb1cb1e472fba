"""The rules in plain Python: conditions, and sequences as the latest start of a chain."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.peer_conditions import Condition, compile_condition
from benchmarks.peer_features import Value
from sentinel.model.columns import Schema
from sentinel.model.events import Event, Stream
from sentinel.model.signal import Mode, Signal
from sentinel.rules import EntryList, Rule


class _Condition(NamedTuple):
    """A condition on one stream; ``step`` counts a sequence's steps from 0."""

    rule: Rule
    holds: Condition
    step: int
    steps: int


class PeerRules:
    """All rules, event by event, in order of time.

    For a sequence it is enough to know, per customer and step, the latest moment at
    which a chain up to that step can have begun.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        schema: Schema,
        index: Mapping[str, int],
        lists: Mapping[str, EntryList],
        rates: Mapping[str, float],
    ) -> None:
        self._starts: dict[tuple[str, str], list[int]] = {}
        self._conditions: dict[Stream, list[_Condition]] = {stream: [] for stream in Stream}
        for rule in rules:
            if rule.mode is Mode.OFF:
                continue
            steps = rule.sequence.steps if rule.sequence else ()
            for number in reversed(range(len(steps))):  # an event is not two steps of a chain
                on = steps[number].on
                holds = compile_condition(steps[number].when, schema[on], index, lists, rates)
                self._conditions[on].append(_Condition(rule, holds, number, len(steps)))
            for on in rule.streams if rule.when else ():
                holds = compile_condition(rule.when or "", schema[on], index, lists, rates)
                self._conditions[on].append(_Condition(rule, holds, 0, 1))

    def evaluate(self, stream: Stream, event: Event, values: list[Value]) -> list[Signal]:
        """The signals of one event."""
        return [
            _signal(condition.rule, stream, event)
            for condition in self._conditions[stream]
            if condition.holds(event, values)
            and (condition.steps == 1 or self._completes(condition, event))
        ]

    def _completes(self, condition: _Condition, event: Event) -> bool:
        key, time = (condition.rule.id, event.customer_id), event.event_time
        assert condition.rule.sequence is not None
        assert isinstance(time, int)
        starts = self._starts.setdefault(key, [-1] * condition.steps)
        start = time if condition.step == 0 else starts[condition.step - 1]
        starts[condition.step] = max(start, starts[condition.step])
        return condition.step == condition.steps - 1 and start >= max(
            time - condition.rule.sequence.within_ms, 0
        )


def _signal(rule: Rule, stream: Stream, event: Event) -> Signal:
    assert isinstance(event.event_time, int)
    return Signal(
        index=0,
        rule_id=rule.id,
        entity_id=event.customer_id,
        stream=stream,
        event_id=event.event_id,
        event_time=event.event_time,
        recorded_ms=0,
        risk=rule.risk,
        severity=rule.severity,
        mode=rule.mode,
        title=rule.title,
        explain=tuple,
        actions=tuple(rule.actions),
        runbook=rule.runbook,
    )
