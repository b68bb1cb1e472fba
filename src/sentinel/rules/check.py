"""Names and types: a syntax tree becomes nodes, or an error at its position."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from lark import Token, Tree

from sentinel.model.columns import Column, Kind
from sentinel.model.countries import COUNTRY_FIELDS, country_of
from sentinel.model.document import did_you_mean
from sentinel.model.ids import Hasher
from sentinel.model.network import network_of
from sentinel.rules.interpreter import Op
from sentinel.rules.lists import EntryList
from sentinel.rules.nodes import (
    Arithmetic,
    Both,
    Choice,
    CompareNumbers,
    Comparison,
    Either,
    Has,
    Junction,
    Listed,
    Literal,
    Name,
    Node,
    Not,
    OneOf,
    SameText,
    SameTruth,
    TextTest,
)
from sentinel.rules.syntax import ConditionError

MAX_DEPTH = 40
_INT64 = 2**63
_ARITHMETIC = {
    "+": Op.ADD,
    "-": Op.SUBTRACT,
    "*": Op.MULTIPLY,
    "/": Op.DIVIDE,
    "%": Op.REMAINDER,
}
_COMPARISONS = {
    "<": Comparison(Op.LESS),
    "<=": Comparison(Op.LESS_EQUAL),
    ">": Comparison(Op.LESS, swapped=True),
    ">=": Comparison(Op.LESS_EQUAL, swapped=True),
    "==": Comparison(Op.EQUAL),
    "!=": Comparison(Op.EQUAL, negated=True),
}
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}
_NUMBERS = (Kind.NUMBER, Kind.TIME)


class Checker:
    """Checks one condition against the columns of one stream, and the lists and rates it may ask.

    ``rates`` give one unit of a currency in base currency.
    """

    def __init__(
        self,
        text: str,
        columns: Mapping[str, Column],
        lists: Mapping[str, EntryList],
        hasher: Hasher,
        rates: Mapping[str, float],
    ) -> None:
        self._text, self._columns, self._lists, self._hasher = text, columns, lists, hasher
        self._rates = rates

    def condition(self, tree: Tree[Token]) -> Node:
        """The typed nodes of a whole condition; raises ConditionError."""
        root = self._node(tree, 0)
        if root.kind is not Kind.TRUTH:
            hint = _how_to_ask(root)
            raise ConditionError(0, f"a condition is true or false; this is a {root.kind}", hint)
        return root

    def _node(self, tree: Tree[Token], depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self._error(tree, f"nested more than {MAX_DEPTH} deep")
        build = getattr(self, f"_{tree.data}")
        node: Node = build(tree, depth + 1)
        return node

    def _error(self, tree: Tree[Token] | Token, message: str, hint: str = "") -> ConditionError:
        at = tree.start_pos if isinstance(tree, Token) else tree.meta.start_pos
        return ConditionError(at or 0, message, hint)

    def _source(self, tree: Tree[Token]) -> str:
        return self._text[tree.meta.start_pos : tree.meta.end_pos]

    def _expect(self, tree: Tree[Token], node: Node, wanted: Kind) -> Node:
        if node.kind is wanted or (wanted is Kind.NUMBER and node.kind in _NUMBERS):
            return node
        raise self._error(
            tree,
            f"{_shown(node)} is a {node.kind}, not a {wanted}",
            _how_to_ask(node) if wanted is Kind.TRUTH else "",
        )

    # --- values -------------------------------------------------------------------

    def _literal(self, tree: Tree[Token], kind: Kind, value: float | str | bool) -> Literal:
        key = repr(value) if not isinstance(value, str) else f"text:{value!r}"
        return Literal(self._source(tree), key, kind, sure=True, literal=value)

    def _true(self, tree: Tree[Token], _: int) -> Node:
        return self._literal(tree, Kind.TRUTH, value=True)

    def _false(self, tree: Tree[Token], _: int) -> Node:
        return self._literal(tree, Kind.TRUTH, value=False)

    def _int(self, tree: Tree[Token], _: int) -> Node:
        value = int("".join(tree.children))  # type: ignore[arg-type]
        if not -_INT64 <= value < _INT64:
            raise self._error(tree, "a whole number has at most 64 bits")
        return self._literal(tree, Kind.NUMBER, value)

    def _float(self, tree: Tree[Token], _: int) -> Node:
        value = float("".join(tree.children))  # type: ignore[arg-type]
        if not np.isfinite(value):
            raise self._error(tree, "the number is too large")
        return self._literal(tree, Kind.NUMBER, value)

    def _string(self, tree: Tree[Token], _: int) -> Node:
        return self._literal(tree, Kind.STRING, self._unescape(tree.children[0]))

    def _unescape(self, token: Any) -> str:
        def replaced(match: re.Match[str]) -> str:
            escape = match[1]
            if escape[0] == "u" and len(escape) == 5:
                return chr(int(escape[1:], 16))
            if escape not in _ESCAPES:
                raise self._error(token, f'unknown escape "\\{escape}"')
            return _ESCAPES[escape]

        return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", replaced, token[1:-1])

    def _column(self, token: Any) -> Column:
        column = self._columns.get(str(token))
        if column is None:
            raise self._error(token, f'unknown name "{token}"', did_you_mean(token, self._columns))
        return column

    def _name(self, tree: Tree[Token], _: int) -> Name:
        token = tree.children[0]
        column = self._column(token)
        kind = Kind.NUMBER if column.kind is Kind.TIME else column.kind
        return Name(str(token), str(token), kind, column.required, column)

    def _member(self, tree: Tree[Token], _: int) -> Node:
        owner, member = tree.children
        assert isinstance(owner, Token)  # noqa: S101 - the grammar says so
        if owner == "rates":
            return self._rate(tree, str(member))
        token = Token.new_borrow_pos(owner.type, f"{owner}.{member}", owner)
        column = self._column(token)
        return Name(self._source(tree), str(token), column.kind, column.required, column)

    def _rate(self, tree: Tree[Token], currency: str) -> Literal:
        rate = self._rates.get(currency)
        if rate is None:
            hint = did_you_mean(currency, self._rates) or "engine.yaml has the rates"
            raise self._error(tree, f'no rate of "{currency}"', hint)
        return self._literal(tree, Kind.NUMBER, rate)

    def _named(self, tree: Tree[Token], token: Any) -> Name:
        del tree
        column = self._column(token)
        return Name(str(token), str(token), column.kind, column.required, column)

    def _has(self, tree: Tree[Token], _: int) -> Node:
        subject = self._named(tree, tree.children[0])
        return Has(self._source(tree), f"has({subject.key})", Kind.TRUTH, True, subject)

    def _text_test(self, tree: Tree[Token], _: int) -> Node:
        name, method, text = tree.children
        subject = self._named(tree, name)
        if subject.kind is not Kind.STRING:
            raise self._error(tree, f"{subject.text} is a {subject.kind}, not a string")
        if str(method) not in _TEXT_TESTS:
            raise self._error(
                method,
                f'unknown function "{method}"',
                did_you_mean(str(method), _TEXT_TESTS) or ", ".join(_TEXT_TESTS),
            )
        argument = self._unescape(text)
        key = f"{subject.key}.{method}({argument!r})"
        return TextTest(
            self._source(tree),
            key,
            Kind.TRUTH,
            subject.sure,
            subject,
            _TEXT_TESTS[str(method)],
            argument,
        )

    # --- arithmetic ---------------------------------------------------------------

    def _signed(self, tree: Tree[Token], depth: int) -> Node:
        sign, operand = tree.children
        inner = self._expect(operand, self._node(operand, depth), Kind.NUMBER)  # type: ignore[arg-type]
        if sign == "+":
            raise self._error(tree, "a plus sign before a value", "leave it out")
        if isinstance(inner, Literal):
            return self._literal(tree, Kind.NUMBER, -inner.literal)  # type: ignore[operator]
        zero = Literal("0", "0", Kind.NUMBER, sure=True, literal=0)
        return Arithmetic(
            self._source(tree), f"(-{inner.key})", Kind.NUMBER, inner.sure, zero, inner, Op.SUBTRACT
        )

    def _arithmetic(self, tree: Tree[Token], depth: int) -> Node:
        node = self._expect(tree.children[0], self._node(tree.children[0], depth), Kind.NUMBER)  # type: ignore[arg-type]
        for sign, operand in zip(tree.children[1::2], tree.children[2::2], strict=True):
            right = self._expect(operand, self._node(operand, depth), Kind.NUMBER)  # type: ignore[arg-type]
            node = self._combined(tree, str(sign), node, right)
        return node

    def _combined(self, tree: Tree[Token], sign: str, left: Node, right: Node) -> Node:
        text = self._source(tree)
        if _is_int(left) and _is_int(right):
            value = self._whole(tree, sign, left.literal, right.literal)  # type: ignore[attr-defined]
            return Literal(text, repr(value), Kind.NUMBER, sure=True, literal=value)
        key = f"({left.key} {sign} {right.key})"
        # 0/0 and the like are missing values, so only sums and products are as sure as their parts.
        sure = left.sure and right.sure and sign in "+-*"
        return Arithmetic(text, key, Kind.NUMBER, sure, left, right, _ARITHMETIC[sign])

    def _whole(self, tree: Tree[Token], sign: str, left: int, right: int) -> int:
        """Whole-number arithmetic as CEL has it: division truncates, 64 bits bound it."""
        if sign in "/%" and right == 0:
            raise self._error(tree, "division by zero")
        if sign == "/":
            value = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        elif sign == "%":
            value = abs(left) % abs(right) * (1 if left >= 0 else -1)
        else:
            value = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign](left, right)
        if not -_INT64 <= value < _INT64:
            raise self._error(tree, "a whole number has at most 64 bits")
        return int(value)

    # --- truths -------------------------------------------------------------------

    def _not(self, tree: Tree[Token], depth: int) -> Node:
        operand: Any = tree.children[0]
        inner = self._expect(operand, self._node(operand, depth), Kind.TRUTH)
        return Not(self._source(tree), f"!{inner.key}", Kind.TRUTH, inner.sure, inner)

    def _joined(self, tree: Tree[Token], depth: int, sign: str, kind: type[Junction]) -> Node:
        terms = tuple(
            self._expect(term, self._node(term, depth), Kind.TRUTH)  # type: ignore[arg-type]
            for term in tree.children
        )
        key = "(" + f" {sign} ".join(term.key for term in terms) + ")"
        sure = all(term.sure for term in terms)
        return kind(self._source(tree), key, Kind.TRUTH, sure, terms)

    def _and(self, tree: Tree[Token], depth: int) -> Node:
        return self._joined(tree, depth, "&&", Both)

    def _or(self, tree: Tree[Token], depth: int) -> Node:
        return self._joined(tree, depth, "||", Either)

    def _ternary(self, tree: Tree[Token], depth: int) -> Node:
        first, second, third = tree.children
        condition = self._expect(first, self._node(first, depth), Kind.TRUTH)  # type: ignore[arg-type]
        then, otherwise = self._node(second, depth), self._node(third, depth)  # type: ignore[arg-type]
        if then.kind is not otherwise.kind or then.kind in (Kind.STRING, Kind.CODE):
            raise self._error(tree, "both branches must be numbers or both true or false")
        key = f"({condition.key} ? {then.key} : {otherwise.key})"
        sure = condition.sure and then.sure and otherwise.sure
        return Choice(self._source(tree), key, then.kind, sure, condition, then, otherwise)

    def _compare(self, tree: Tree[Token], depth: int) -> Node:
        first, sign, second = tree.children
        left, right = self._node(first, depth), self._node(second, depth)  # type: ignore[arg-type]
        comparison = _COMPARISONS[str(sign)]
        text, key = self._source(tree), f"({left.key} {sign} {right.key})"
        sure = left.sure and right.sure
        if left.kind is Kind.NUMBER and right.kind is Kind.NUMBER:
            return CompareNumbers(text, key, Kind.TRUTH, sure, left, right, comparison)
        kinds = {left.kind, right.kind}
        if str(sign) not in ("==", "!=") and not kinds & {Kind.NUMBER}:
            raise self._error(
                sign,
                f'"{sign}" compares numbers; these are {left.kind} and {right.kind}',
                'only "==" and "!=" here',
            )
        if kinds == {Kind.TRUTH}:
            return SameTruth(text, key, Kind.TRUTH, sure, left, right, comparison.negated)
        if isinstance(left, Literal) and isinstance(right, Name):
            left, right, second = right, left, first
        if isinstance(left, Name) and isinstance(right, Literal) and right.kind is Kind.STRING:
            return self._one_of(tree, key, left, [(second, right)], negated=comparison.negated)
        if isinstance(left, Name) and isinstance(right, Name) and kinds == {Kind.STRING}:
            return SameText(text, key, Kind.TRUTH, sure, left, right, comparison.negated)
        raise self._error(tree, f"cannot compare a {left.kind} with a {right.kind}")

    def _contained(self, tree: Tree[Token], depth: int) -> Node:
        first, items = tree.children
        subject = self._node(first, depth)  # type: ignore[arg-type]
        literals = [(item, self._node(item, depth)) for item in items.children]  # type: ignore[union-attr, arg-type]
        if not isinstance(subject, Name):
            raise self._error(first, '"in" asks for a name on its left')
        key = f"({subject.key} in [{', '.join(node.key for _, node in literals)}])"
        return self._one_of(tree, key, subject, literals, negated=False)

    def _listed(self, tree: Tree[Token], depth: int) -> Node:
        first, owner, name = tree.children
        subject = self._node(first, depth)  # type: ignore[arg-type]
        if not isinstance(subject, Name):
            raise self._error(first, '"in" asks for a name on its left')
        if subject.kind is not Kind.STRING:
            raise self._error(first, f"{subject.text} is a {subject.kind}; a list holds strings")
        if owner != "lists":
            raise self._error(owner, '"in" looks into a list', 'lists.some or ["A", "B"]')
        entries = self._lists.get(str(name))
        if entries is None:
            hint = did_you_mean(str(name), self._lists)
            raise self._error(name, f'unknown list "{name}"', hint)
        if subject.column.name in COUNTRY_FIELDS:
            for value in entries.values():
                self._check_country(name, value, f'lists.{name} holds "{value}", which')
        key = f"({subject.key} in lists.{name})"
        return Listed(self._source(tree), key, Kind.TRUTH, subject.sure, subject, entries)

    def _one_of(
        self, tree: Tree[Token], key: str, subject: Name, literals: list[Any], *, negated: bool
    ) -> Node:
        wanted: list[Any] = []
        for item, node in literals:
            if subject.kind is Kind.NUMBER and node.kind is Kind.NUMBER:
                wanted.append(float(node.literal))
            elif subject.kind is Kind.TRUTH and node.kind is Kind.TRUTH:
                wanted.append(2 if node.literal else 0)
            elif node.kind is not Kind.STRING or subject.kind not in (Kind.STRING, Kind.CODE):
                raise self._error(item, f"cannot compare a {subject.kind} with a {node.kind}")
            elif subject.kind is Kind.STRING:
                if subject.column.name in COUNTRY_FIELDS:
                    self._check_country(item, node.literal, f'"{node.literal}"')
                text = network_of(node.literal) if subject.column.name == "ip" else node.literal
                if not text and node.literal:
                    raise self._error(item, f'"{node.literal}" is no address', "missing: !has(ip)")
                wanted.append(np.uint64(self._hasher.text(text)))
            elif node.literal in subject.column.vocabulary:
                wanted.append(subject.column.vocabulary.index(node.literal))
            else:
                words = subject.column.vocabulary
                hint = did_you_mean(node.literal, words) or "one of " + ", ".join(words)
                raise self._error(item, f'{subject.text} is never "{node.literal}"', hint)
        missing = {Kind.STRING: 0, Kind.CODE: -1, Kind.TRUTH: 1}.get(subject.kind)
        return OneOf(
            self._source(tree),
            key,
            Kind.TRUTH,
            subject.sure,
            subject,
            tuple(wanted),
            missing,
            negated,
        )

    def _check_country(self, tree: Tree[Token] | Token, text: str, shown: str) -> None:
        """Refuse a text that no event has as a country: events have alpha-2 codes."""
        code = country_of(text)
        if code != text:
            hint = f'"{code}"' if code else "CN, as in ISO 3166-1"
            raise self._error(tree, f"{shown} is no alpha-2 code of a country", hint)


def _is_int(node: Node) -> bool:
    return isinstance(node, Literal) and type(node.literal) is int


def _shown(node: Node) -> str:
    return node.text if len(node.text) <= 40 else node.text[:37] + "..."


def _how_to_ask(node: Node) -> str:
    if node.kind is Kind.NUMBER:
        return f"compare it, as in {_shown(node)} > 0"
    return f'compare it, as in {_shown(node)} == "..."'
