"""Conditions of the rule language as plain Python, for the peer that runs event by event.

The text is rewritten so that Python can parse it, then turned into an expression that
is true exactly where the condition is *surely* true: negations are pushed down to the
comparisons (De Morgan holds in three-valued logic), each of which first asks whether
what it reads is there.
"""

import ast
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sentinel.model.columns import Column
from sentinel.rules import EntryList

_TEXT_TESTS = {"startsWith": "startswith", "endsWith": "endswith", "contains": "__contains__"}
_PARTS = re.compile(r'("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')')
_WORDS = (("&&", " and "), ("||", " or "))
_NOT = re.compile(r"!(?!=)")
_LIST = re.compile(r"\blists\.(\w+)")
_RATE = re.compile(r"\brates\.(\w+)")
_LITERALS = {"true": True, "false": False}

Condition = Callable[[Any, list[Any]], bool]
"""Whether a condition surely holds for (event, values of the features)."""


def compile_condition(
    text: str,
    columns: Mapping[str, Column],
    index: Mapping[str, int],
    lists: Mapping[str, EntryList] = MappingProxyType({}),
    rates: Mapping[str, float] = MappingProxyType({}),
) -> Condition:
    """Compile ``text``; a name in ``index`` is a feature that stands there, others are fields.

    A list holds its entries whatever the day: those that end are the rules' own examples.
    """
    source = _Surely(columns, index, lists, rates).expression(text)
    condition: Condition = eval(f"lambda e, v: {source}")  # noqa: S307 - our own configuration
    return condition


class _Surely:
    def __init__(
        self,
        columns: Mapping[str, Column],
        index: Mapping[str, int],
        lists: Mapping[str, EntryList],
        rates: Mapping[str, float],
    ) -> None:
        self._columns, self._index, self._lists, self._rates = columns, index, lists, rates

    def expression(self, text: str) -> str:
        parts = _PARTS.split(text)
        for i in range(0, len(parts), 2):  # what stands between strings
            for written, python in _WORDS:
                parts[i] = parts[i].replace(written, python)
            parts[i] = _NOT.sub("~", parts[i])  # binds as tightly as in the rule language
            parts[i] = _LIST.sub(self._entries, parts[i])
            parts[i] = _RATE.sub(lambda asked: repr(self._rates[asked[1]]), parts[i])
        return self._holds(ast.parse(f"({''.join(parts)})", mode="eval").body, wanted=True)

    def _holds(self, node: ast.expr, *, wanted: bool) -> str:
        """Python that is true where ``node`` surely is what is wanted."""
        match node:
            case ast.BoolOp(op, values):
                both = isinstance(op, ast.And) is wanted
                inner = (self._holds(each, wanted=wanted) for each in values)
                return "(" + (" and " if both else " or ").join(inner) + ")"
            case ast.UnaryOp(ast.Invert(), operand):
                return self._holds(operand, wanted=not wanted)
            case ast.Constant(bool(value)):
                return str(value is wanted)
            case ast.Name(name) if name in _LITERALS:
                return str(_LITERALS[name] is wanted)
            case ast.Name(name):
                return f"({self._read(name)} is {wanted})"
            case ast.Call(ast.Name("has"), [ast.Name(name)]):
                return f"({self._read(name)} is {'not ' if wanted else ''}None)"
            case ast.Compare() | ast.Call(ast.Attribute(ast.Name())):
                there = [f"{self._read(name)} is not None" for name in self._optional(node)]
                test = ast.unparse(_Renamed(self._read).visit(node))
                return "(" + " and ".join([*there, test if wanted else f"not ({test})"]) + ")"
            case _:
                raise NotImplementedError(ast.dump(node))

    def _entries(self, asked: re.Match[str]) -> str:
        entries = self._lists[asked[1]].file.entries
        texts = [each if isinstance(each, str) else each.value for each in entries]
        return f"({', '.join(map(repr, texts))},)"

    def _optional(self, node: ast.expr) -> list[str]:
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} - set(_LITERALS)
        return sorted(name for name in names if not self._columns[name].required)

    def _read(self, name: str) -> str:
        return f"v[{self._index[name]}]" if name in self._index else f"e.{name}"


class _Renamed(ast.NodeTransformer):
    def __init__(self, read: Callable[[str], str]) -> None:
        self._read = read

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A test of text under Python's name."""
        return ast.Attribute(self.visit(node.value), _TEXT_TESTS[node.attr], node.ctx)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A literal as Python writes it; any other name as what it reads."""
        if node.id in _LITERALS:
            return ast.Constant(_LITERALS[node.id])
        return ast.parse(self._read(node.id), mode="eval").body
