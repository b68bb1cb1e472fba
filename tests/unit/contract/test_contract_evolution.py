"""The contract only grows: today's schemas break nobody who keeps to a released one."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from sentinel.contract.asyncapi import asyncapi
from sentinel.contract.schemas import input_schemas, output_schemas

RELEASED = Path(__file__).parents[3] / "docs/contract/released"
RELEASES = sorted(path.name for path in RELEASED.iterdir())

Schema = dict[str, Any]
_LEAST = ("minimum", "minLength", "minItems")
_MOST = ("maximum", "maxLength", "maxItems")
_EXACT = ("pattern", "format")
_SAYS_NOTHING = {"$schema", "$id", "$defs", "title", "description", "examples", "default"}
_KNOWN = _SAYS_NOTHING.union(
    _LEAST, _MOST, _EXACT, ("$ref", "anyOf", "type", "enum", "const", "properties", "required")
) | {"additionalProperties", "items"}


def breaking_changes(old: Schema, new: Schema, *, output: bool = False) -> list[str]:
    """What breaks those who keep to ``old``, one line for each place.

    Of an input, ``new`` must take all that ``old`` took; of an ``output``, all that is
    written by ``new`` must be as ``old`` said.  No property may go in either.
    """
    gone = [f"{path}: removed" for path in sorted(_paths(old) - _paths(new))]
    return gone + (_tightened(new, old, new, old) if output else _tightened(old, new, old, new))


def _paths(document: Schema) -> set[str]:
    """Where every property stands that a message may have."""

    def walk(node: Schema, path: str) -> set[str]:
        found = set()
        for each in _alternatives(node, document):
            for name, field in each.get("properties", {}).items():
                found |= {f"{path}/{name}", *walk(field, f"{path}/{name}")}
            if "items" in each:
                found |= walk(each["items"], f"{path}/*")
        return found

    return walk(document, "")


def _alternatives(node: Schema, document: Schema) -> list[Schema]:
    """The node without references, as the list of what it may be."""
    if "$ref" in node:
        return _alternatives(document["$defs"][node["$ref"].removeprefix("#/$defs/")], document)
    if "anyOf" in node:
        return [found for each in node["anyOf"] for found in _alternatives(each, document)]
    unknown = node.keys() - _KNOWN
    assert not unknown, f"say here when a change of {unknown} breaks somebody"
    return [node]


def _tightened(wide: Schema, tight: Schema, wide_in: Schema, tight_in: Schema) -> list[str]:
    """Where ``tight`` refuses what ``wide`` accepts."""

    def walk(wide: Schema, tight: Schema, path: str) -> list[str]:
        choices = _alternatives(tight, tight_in)
        return [
            problem
            for each in _alternatives(wide, wide_in)
            for problem in min(
                (alternative(each, choice, path) for choice in choices), key=_distance
            )
        ]

    def alternative(wide: Schema, tight: Schema, path: str) -> list[str]:
        found = _values(wide, tight)
        for name in (*_LEAST, *_MOST, *_EXACT):
            if _is_tighter(name, wide.get(name), tight.get(name)):
                found.append(name)
        found += [f"{each} required" for each in _only(tight, wide, "required")]
        found = [f"{path}: {each}" for each in found]
        for name, field in wide.get("properties", {}).items():
            if name in tight.get("properties", {}):
                found += walk(field, tight["properties"][name], f"{path}/{name}")
        if "items" in tight:
            found += walk(wide.get("items", {}), tight["items"], f"{path}/*")
        rest = wide.get("additionalProperties", True), tight.get("additionalProperties", True)
        if isinstance(rest[0], dict) and isinstance(rest[1], dict):
            found += walk(*rest, f"{path}/*")
        elif rest[1] is not True and rest[0] != rest[1]:
            found.append(f"{path}: additionalProperties")
        return found

    return walk(wide, tight, "")


def _distance(problems: list[str]) -> tuple[bool, int]:
    """How far off a choice is; one of another type is farther than one of other bounds."""
    return any("no longer" in each for each in problems), len(problems)


def _values(wide: Schema, tight: Schema) -> list[str]:
    """Types and words that only ``wide`` accepts."""
    words, allowed = _words(wide), _words(tight)
    if allowed is not None:
        missing = ["other values"] if words is None else [f"{word!r}" for word in words - allowed]
        return [f"no longer {each}" for each in sorted(missing)]
    kind, least = ("string" if words else wide.get("type")), tight.get("type")
    fits = least in {None, kind} or (kind, least) == ("integer", "number")
    return [] if fits else [f"no longer {kind or 'anything'}"]


def _words(node: Schema) -> set[str] | None:
    return {node["const"]} if "const" in node else set(node["enum"]) if "enum" in node else None


def _only(one: Schema, other: Schema, name: str) -> list[str]:
    return sorted(set(one.get(name, ())) - set(other.get(name, ())))


def _is_tighter(name: str, wide: Any, tight: Any) -> bool:
    if tight is None or wide == tight:
        return False
    if wide is not None and name == "pattern":
        return not tight.startswith(f"{wide}|")  # one more alternative is no bound
    if wide is None or name in _EXACT:
        return True
    return bool(tight > wide if name in _LEAST else tight < wide)


BASE: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 9},
        "code": {"type": "string", "pattern": "^a$"},
        "kind": {"enum": ["card", "cash"]},
        "amount": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "place": {"$ref": "#/$defs/Place"},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Place"}},
        "values": {"type": "object", "additionalProperties": {"type": "number"}},
        "count": {"type": "integer"},
    },
    "required": ["id", "kind"],
    "$defs": {"Place": {"type": "object", "properties": {"lat": {"type": "number"}}}},
}
Change = Callable[[Schema], object]


def _changed(change: Change) -> Schema:
    new = deepcopy(BASE)
    change(new)
    return new


def _field(name: str, **words: object) -> Change:
    return lambda new: new["properties"][name].update(words)


def _place(**words: object) -> Change:
    return lambda new: new["$defs"]["Place"].update(words)


TIGHTER: list[tuple[Change, list[str]]] = [
    (lambda new: new["required"].append("note"), [": note required"]),
    (_place(required=["lat"]), ["/place: lat required", "/parts/*: lat required"]),
    (
        _place(additionalProperties=False),
        [f"/{at}: additionalProperties" for at in ("place", "parts/*")],
    ),
    (_field("kind", enum=["card"]), ["/kind: no longer 'cash'"]),
    (_field("id", enum=["a"]), ["/id: no longer other values"]),
    (_field("note", anyOf=[{"type": "string"}]), ["/note: no longer null"]),
    (_field("amount", anyOf=[{"type": "string"}]), ["/amount: no longer number"]),
    (
        _field("amount", anyOf=[{"type": "number", "minimum": 1}, {"type": "string"}]),
        ["/amount: minimum"],
    ),
    (_field("id", minLength=2), ["/id: minLength"]),
    (_field("id", maxLength=8), ["/id: maxLength"]),
    (_field("count", maximum=5), ["/count: maximum"]),
    (_field("id", pattern="^a"), ["/id: pattern"]),
    (_field("id", format="date-time"), ["/id: format"]),
]
WIDER: list[Change] = [
    lambda new: new["required"].remove("id"),
    _field("kind", enum=["card", "cash", "fx"]),
    _field("id", maxLength=10),
    _field("code", pattern="^a$|^b$"),
    _field("count", type="number"),
    _field("note", anyOf=[{"type": "string"}, {"type": "null"}, {"type": "boolean"}]),
]
REPLACED: list[tuple[Change, str, str]] = [
    (_field("id", type="integer"), "/id: no longer string", "/id: no longer integer"),
    (_field("code", pattern="^b$|^a$"), "/code: pattern", "/code: pattern"),
    (
        _field("values", additionalProperties={"type": "string"}),
        "/values/*: no longer number",
        "/values/*: no longer string",
    ),
]
REMOVED: list[tuple[Change, list[str]]] = [
    (lambda new: new["properties"].pop("note"), ["/note: removed"]),
    (_place(properties={}), ["/parts/*/lat: removed", "/place/lat: removed"]),
    (
        lambda new: new["properties"].update(remark=new["properties"].pop("note")),
        ["/note: removed"],
    ),
]
HARMLESS: list[Change] = [
    lambda new: new,
    lambda new: new["properties"].update(extra={"type": "string"}),
    lambda new: new.update(title="Another", description="Other words."),
    _place(title="Spot"),
]


@pytest.mark.parametrize(("change", "expected"), TIGHTER)
def test_a_tighter_input_breaks_producers(change: Change, expected: list[str]) -> None:
    """Each kind of narrowing is found where it is; in an output it is no break."""
    assert breaking_changes(BASE, _changed(change)) == expected
    assert breaking_changes(BASE, _changed(change), output=True) == []


@pytest.mark.parametrize("change", WIDER)
def test_a_wider_output_breaks_consumers(change: Change) -> None:
    """What an output may newly be is found; in an input it is no break."""
    assert breaking_changes(BASE, _changed(change)) == []
    assert breaking_changes(BASE, _changed(change), output=True)


@pytest.mark.parametrize(("change", "of_input", "of_output"), REPLACED)
def test_another_type_breaks_everybody(change: Change, of_input: str, of_output: str) -> None:
    """A type in place of another is found in both directions."""
    assert breaking_changes(BASE, _changed(change)) == [of_input]
    assert breaking_changes(BASE, _changed(change), output=True) == [of_output]


@pytest.mark.parametrize(("change", "expected"), REMOVED)
@pytest.mark.parametrize("output", [False, True])
def test_a_removed_property_breaks_everybody(
    change: Change, expected: list[str], output: bool
) -> None:
    """A field that is gone is found in both directions; a renamed one is a removed one."""
    assert breaking_changes(BASE, _changed(change), output=output) == expected


@pytest.mark.parametrize("change", HARMLESS)
@pytest.mark.parametrize("output", [False, True])
def test_growing_breaks_nobody(change: Change, output: bool) -> None:
    """Optional fields may come, and what people read may be said better."""
    assert breaking_changes(BASE, _changed(change), output=output) == []


def test_an_unknown_keyword_is_not_passed_over() -> None:
    """A keyword that this comparison has no rule for stops it."""
    with pytest.raises(AssertionError, match="multipleOf"):
        breaking_changes(BASE, _changed(_field("count", multipleOf=5)))


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("output", [False, True])
def test_todays_schemas_break_no_release(release: str, output: bool) -> None:
    """Whoever keeps to a released schema gets along with today's Sentinel."""
    for name, schema in (output_schemas() if output else input_schemas()).items():
        path = RELEASED / release / f"{name}.schema.json"
        if path.exists():  # else the message is newer than the release
            old = json.loads(path.read_bytes())
            assert breaking_changes(old, schema, output=output) == []


@pytest.mark.parametrize("release", RELEASES)
def test_todays_topics_are_those_of_every_release(release: str) -> None:
    """Released topics stay, with the same messages, content types and headers."""
    old, new = json.loads((RELEASED / release / "asyncapi.json").read_bytes()), asyncapi()
    for name, channel in old["channels"].items():
        now = new["channels"][name]
        assert (now["address"], now["messages"]) == (channel["address"], channel["messages"])
    for name, operation in old["operations"].items():
        assert new["operations"][name]["action"] == operation["action"]
    for name, message in old["components"]["messages"].items():
        now = new["components"]["messages"][name]
        assert now["contentType"] == message["contentType"]
        headers = message.get("headers", {}), now.get("headers", {})
        assert breaking_changes(*headers, output=True) == []
