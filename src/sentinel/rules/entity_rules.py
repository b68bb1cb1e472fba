"""Rules ``by`` a shared entity: conditions over its measures as they stand after a rollup row."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from sentinel.model.columns import Column
from sentinel.model.document import Document
from sentinel.model.entity import EntityKind
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.rollup import EntityRows
from sentinel.model.signal import Mode, Signal
from sentinel.model.step import SignalDrop
from sentinel.rules.declare import Rule, declare
from sentinel.rules.expression import NO_RATES, Expression, compile_expression
from sentinel.rules.program import Program


def load_entity_rules(
    documents: Sequence[Document],
    columns: Mapping[EntityKind, Mapping[str, Column]],
    only: Collection[str] | None = None,
    hasher: Hasher = PLAIN,
    rates: Mapping[str, float] = NO_RATES,
) -> "EntityRules":
    """Check and compile the rules by shared entities; raises ConfigError."""
    found: dict[EntityKind, list[tuple[Rule, Expression]]] = {kind: [] for kind in EntityKind}
    for rule, document, number in declare(documents):
        if rule.by is None or rule.when is None or (only is not None and rule.id not in only):
            continue
        where = ("rules", number, "when")
        expression = compile_expression(
            rule.when, columns[rule.by], document, where, hasher=hasher, rates=rates
        )
        if rule.mode is not Mode.OFF:
            found[rule.by].append((rule, expression))
    return EntityRules(found)


class EntityRules:
    """Compiled rules by kind of entity; between steps they keep no state."""

    def __init__(self, rules: Mapping[EntityKind, Sequence[tuple[Rule, Expression]]]) -> None:
        self._rules = rules
        self._programs = {
            kind: Program([expression.root for _, expression in each])
            for kind, each in rules.items()
        }
        self.dropped: Counter[tuple[str, Mode, SignalDrop]] = Counter()
        self.entity_risk = {
            rule.id: rule.entity_risk
            for each in rules.values()
            for rule, _ in each
            if rule.entity_risk is not None and rule.mode is Mode.LIVE
        }
        """The risk that a live rule gives its entities, by rule id."""

    @property
    def demand(self) -> dict[EntityKind, frozenset[str]]:
        """The measures that the rules read, by kind."""
        return {
            kind: frozenset({name for _, expression in rules for name in expression.names})
            for kind, rules in self._rules.items()
        }

    def evaluate(self, tables: Sequence[EntityRows], lateness_ms: int) -> list[Signal]:
        """The signals of a step's rows by event time, then in the order of records and rules.

        A signal's event is the entity and the pane of event time: a rule counts once a pane,
        however often its condition is looked at.  So a yes to the pane of the yes before is
        only counted, except of rules that make an entity risky: they say so at every row.  Rows
        that were appended more than ``lateness_ms`` after they happened raise nothing.
        """
        hits = []
        for number, rows in enumerate(tables):
            found, rules = self._programs[rows.kind].hits(rows), self._rules[rows.kind]
            numbers = zip(found.rows.tolist(), found.conditions.tolist(), strict=True)
            for k, (row, order) in enumerate(numbers):
                at = int(rows.event_time[row]), number, row, order
                hits.append((at, *rules[order], found, k, rows))
        hits.sort(key=lambda hit: hit[0])
        signals: list[Signal] = []
        panes: dict[tuple[str, str], int] = {}
        for (event_time, _, row, _), rule, expression, found, k, rows in hits:
            entity_id, pane_ms = rows.ids[row], int(rows.pane_ms[row])
            if event_time < rows.recorded_ms[row] - lateness_ms:
                self.dropped[rule.id, rule.mode, SignalDrop.LATE_EVENT] += 1
                continue
            if panes.get((rule.id, entity_id)) == pane_ms and rule.id not in self.entity_risk:
                why = SignalDrop.UNCHANGED if rule.mode is Mode.LIVE else SignalDrop.SHADOW
                self.dropped[rule.id, rule.mode, why] += 1
                continue
            panes[rule.id, entity_id] = pane_ms
            signals.append(
                Signal(
                    index=len(signals),
                    rule_id=rule.id,
                    entity_kind=rows.kind,
                    entity_id=entity_id,
                    stream=rows.stream_of(row),
                    event_id=f"{rows.kind}:{entity_id}@{pane_ms}",
                    event_time=event_time,
                    recorded_ms=int(rows.recorded_ms[row]),
                    risk=rule.risk,
                    severity=rule.severity,
                    mode=rule.mode,
                    title=rule.title,
                    explain=partial(expression.explain, found, k),
                    actions=tuple(rule.actions),
                    runbook=rule.runbook,
                )
            )
        return signals
