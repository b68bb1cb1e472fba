"""Rules: what a risk engineer writes, checked, compiled and explained.

``syntax`` parses a condition (a subset of CEL), ``check`` makes typed ``nodes`` of it, all
conditions over one table are one ``program``, which the ``interpreter`` runs in three-valued
logic, ``expression`` says why one held; ``lists`` are what ``in lists.some`` asks, ``compiler``
is for the ``where`` of features and measures.  ``declare`` reads rule files, a ``pattern`` is over
several events (``sequence``: steps across streams), ``rule_set`` runs them all, and
``entity_rules`` those that are by an entity which customers share.
"""

from sentinel.rules.compiler import ConditionCompiler
from sentinel.rules.declare import Rule
from sentinel.rules.entity_rules import EntityRules, load_entity_rules
from sentinel.rules.expression import Expression, compile_expression
from sentinel.rules.lists import EntryList, declare_lists, outdated
from sentinel.rules.rule_set import RuleSet, load
from sentinel.rules.sequence import SequenceStep

__all__ = [
    "ConditionCompiler",
    "EntityRules",
    "EntryList",
    "Expression",
    "Rule",
    "RuleSet",
    "SequenceStep",
    "compile_expression",
    "declare_lists",
    "load",
    "load_entity_rules",
    "outdated",
]
