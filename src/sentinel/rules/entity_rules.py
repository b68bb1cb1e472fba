"""Rules ``by`` a shared entity: conditions over its measures as they stand after a rollup row."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from sentinel.model.columns import TRUE, Column
from sentinel.model.document import Document
from sentinel.model.entity import EntityKind
from sentinel.model.rollup import EntityRows
from sentinel.model.signal import Signal, Stage
from sentinel.rules.declare import Rule, declare
from sentinel.rules.expression import Expression, compile_expression
from sentinel.rules.nodes import Frame


def load_entity_rules(
    documents: Sequence[Document],
    columns: Mapping[EntityKind, Mapping[str, Column]],
    only: Collection[str] | None = None,
) -> "EntityRules":
    """Check and compile the rules by shared entities; raises ConfigError."""
    found: dict[EntityKind, list[tuple[Rule, Expression]]] = {kind: [] for kind in EntityKind}
    for rule, document, place in declare(documents):
        if rule.by is None or rule.when is None or (only is not None and rule.id not in only):
            continue
        where = ("rules", place, "when")
        expression = compile_expression(rule.when, columns[rule.by], document, where)
        if rule.stage is not Stage.OFF:
            found[rule.by].append((rule, expression))
    return EntityRules(found)


class EntityRules:
    """Compiled rules by kind of entity; they keep no state."""

    def __init__(self, rules: Mapping[EntityKind, Sequence[tuple[Rule, Expression]]]) -> None:
        self._rules = rules
        self.hot = {
            rule.id: rule.hot
            for each in rules.values()
            for rule, _ in each
            if rule.hot is not None and rule.stage is Stage.LIVE
        }
        """The risk that a live rule gives its entities, by rule id."""

    @property
    def demand(self) -> dict[EntityKind, frozenset[str]]:
        """The measures that the rules read, by kind."""
        return {
            kind: frozenset({name for _, expression in rules for name in expression.names})
            for kind, rules in self._rules.items()
        }

    def evaluate(self, tables: Sequence[EntityRows]) -> list[Signal]:
        """The signals of a step's rows by event time, then in the order of records and rules.

        A signal's event is the row: the entity and the pane of event time.  A rule thus counts
        once a pane, however often its condition is looked at.
        """
        hits = []
        for number, rows in enumerate(tables):
            frame = Frame(rows)
            for order, (rule, expression) in enumerate(self._rules[rows.kind]):
                for row in np.flatnonzero(expression.truth_in(frame) == TRUE).tolist():
                    at = int(rows.event_time[row]), number, row, order
                    hits.append((at, rule, expression, frame, rows))
        hits.sort(key=lambda hit: hit[0])
        return [
            Signal(
                place=place,
                rule_id=rule.id,
                entity_kind=rows.kind,
                entity_id=rows.ids[row],
                stream=rows.stream_of(row),
                event_id=f"{rows.kind}:{rows.ids[row]}@{rows.pane_ms[row]}",
                event_time=event_time,
                recorded_ms=int(rows.recorded_ms[row]),
                risk=rule.risk,
                severity=rule.severity,
                stage=rule.stage,
                title=rule.title,
                clauses=expression.explain(frame, row),
                actions=tuple(rule.actions),
                runbook=rule.runbook,
            )
            for place, ((event_time, _, row, _), rule, expression, frame, rows) in enumerate(hits)
        ]
