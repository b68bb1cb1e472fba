"""Rules by shared entities: what they read, what they say, in which order."""

import numpy as np
import pytest

from sentinel.model.columns import Column, Kind
from sentinel.model.document import ConfigError, parse
from sentinel.model.entity import EntityKind
from sentinel.model.events import Stream
from sentinel.model.rollup import EntityRows
from sentinel.model.signal import Mode
from sentinel.model.step import SignalDrop
from sentinel.rules import EntityRules, load_entity_rules

LATENESS_MS = 1_000
COLUMNS = {kind: {"n": Column("n", Kind.NUMBER, required=True)} for kind in EntityKind}
RULE = """\
  - id: {id}
    title: {{en: T, zh: 题}}
    owner: o
    risk: operational
    severity: 50
    mode: {mode}
    by: {by}
    when: '{when}'
    entity_risk: {entity_risk}
"""


def _rules(*rules: str) -> EntityRules:
    return load_entity_rules([parse("rules:\n" + "".join(rules), "rules/some.yaml")], COLUMNS)


def _rule(id_: str, by: str = "ip", when: str = "n > 5", mode: str = "live", risk: int = 9) -> str:
    return RULE.format(id=id_, by=by, when=when, mode=mode, entity_risk=risk)


def _rows(kind: EntityKind, *seen: tuple[str, float, int]) -> EntityRows:
    times = np.array([time for _, _, time in seen])
    values = np.array([value for _, value, _ in seen])
    stream = np.ones(len(seen), np.int64)
    return EntityRows(
        kind, [id_ for id_, _, _ in seen], {"n": values}, times, times + 5, stream, times // 10 * 10
    )


def test_signals_come_by_time_then_by_record_and_rule() -> None:
    """Whatever kind they are of; each names entity, pane, stream and values."""
    rules = _rules(_rule("a"), _rule("b", "device"), _rule("c", when="n > 7"))
    found = rules.evaluate(
        [
            _rows(EntityKind.IP, ("x", 6, 31), ("y", 8, 12), ("z", 5, 1)),
            _rows(EntityKind.DEVICE, ("d", 9, 12)),
        ],
        LATENESS_MS,
    )
    assert [(each.rule_id, each.entity_kind, each.entity_id) for each in found] == [
        ("a", "ip", "y"),
        ("c", "ip", "y"),
        ("b", "device", "d"),
        ("a", "ip", "x"),
    ]
    first = found[0]
    assert (first.event_id, first.event_time, first.recorded_ms) == ("ip:y@10", 12, 17)
    assert first.stream is Stream.LOGIN
    assert [clause.values for clause in first.explain()] == [{"n": 8.0}]


def test_rules_on_trial_make_nothing_hot_and_rules_that_are_off_are_not_run() -> None:
    """Only live rules give a risk; shadow rules say so."""
    rules = _rules(_rule("a"), _rule("b", mode="shadow"), _rule("c", mode="off"))
    assert rules.entity_risk == {"a": 9}
    found = rules.evaluate([_rows(EntityKind.IP, ("x", 6, 1))], LATENESS_MS)
    assert [each.rule_id for each in found] == ["a", "b"]
    assert rules.demand[EntityKind.IP] == {"n"}
    assert rules.demand[EntityKind.BANK] == set()


def test_a_rule_says_yes_to_a_pane_once_and_to_late_rows_never() -> None:
    """What goes no further is counted by rule and reason; a late row hides no row in time."""
    rules = _rules(
        _rule("a").replace("    entity_risk: 9\n", ""),
        _rule("b", mode="shadow"),
        _rule("c", risk=5),
    )
    times = (21, 22, 25, 31, 39, 32)
    rows = _rows(EntityKind.IP, *(("x", 9, time) for time in times))
    rows.recorded_ms[0] += LATENESS_MS
    found = rules.evaluate([rows], LATENESS_MS)
    by_rule = [(each.rule_id, each.event_time) for each in found]
    assert [time for rule, time in by_rule if rule == "a"] == [22, 31]
    assert [time for rule, time in by_rule if rule == "b"] == [22, 31]
    assert [time for rule, time in by_rule if rule == "c"] == [22, 25, 31, 32, 39]  # it tells heat
    assert [each.index for each in found] == list(range(len(found)))
    assert rules.dropped == {
        ("a", Mode.LIVE, SignalDrop.LATE_EVENT): 1,
        ("b", Mode.SHADOW, SignalDrop.LATE_EVENT): 1,
        ("c", Mode.LIVE, SignalDrop.LATE_EVENT): 1,
        ("a", Mode.LIVE, SignalDrop.UNCHANGED): 3,
        ("b", Mode.SHADOW, SignalDrop.SHADOW): 3,
    }


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (_rule("a", when="amount > 5"), 'unknown name "amount"'),
        (_rule("a").replace("by: ip", "on: login"), "only a shared entity can be risky"),
        (_rule("a") + "    on: login\n", "a rule by ip is over its measures only"),
    ],
)
def test_what_a_rule_by_an_entity_cannot_say_is_refused(rule: str, message: str) -> None:
    """It reads measures, not fields; and has no stream."""
    with pytest.raises(ConfigError, match=message):
        _rules(rule)
