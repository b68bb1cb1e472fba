"""Rules: what a risk engineer writes, checked, compiled to array code and explained.

``syntax`` parses a condition (a subset of CEL), ``check`` gives it types, ``nodes``
evaluate it over columns in three-valued logic, ``explain`` says why it held;
``declare`` reads rule files, ``sequence`` follows steps across streams, ``rule_set`` runs them
all, and ``entity_rules`` those that are by an entity which customers share.
"""

from sentinel.rules.declare import Rule, SequenceStep
from sentinel.rules.entity_rules import EntityRules, load_entity_rules
from sentinel.rules.expression import Expression, compile_expression
from sentinel.rules.rule_set import RuleSet, load

__all__ = [
    "EntityRules",
    "Expression",
    "Rule",
    "RuleSet",
    "SequenceStep",
    "compile_expression",
    "load",
    "load_entity_rules",
]
