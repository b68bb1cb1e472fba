"""The types that a configuration expects at a path: msgspec structs, their fields and words."""

from enum import Enum
from typing import Any

import msgspec


def inner_kind(kind: Any, name: str) -> Any:
    """The type of a struct's field, or of a list's or mapping's values."""
    for each in (kind, *getattr(kind, "__args__", ())):  # a union's parts too
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            fields = {field.encode_name: field.type for field in msgspec.structs.fields(each)}
            if name in fields:
                return fields[name]
    if name:
        return kind
    parts = [each for each in (kind, *getattr(kind, "__args__", ())) if hasattr(each, "__origin__")]
    containers = [each for each in parts if each.__origin__ in (list, tuple, dict)]
    inside = [each for each in containers[0].__args__ if each is not ...] if containers else [kind]
    return inside[-1]


def key_kind(kind: Any) -> Any:
    """What the keys of a mapping type are."""
    return getattr(kind, "__args__", (kind,))[0]


def words_of(kind: Any) -> list[str]:
    """The words of an enum or of literals, also inside a union or a list."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(member.value) for member in kind]
    if isinstance(kind, str):  # what a Literal holds
        return [kind]
    inside = [word for each in getattr(kind, "__args__", ()) for word in words_of(each)]
    return list(dict.fromkeys(inside))


def failing_key(node: Any, kind: Any) -> str | None:
    """The first key of a mapping whose value is not a ``kind``."""
    for key, value in node.items() if isinstance(node, dict) else ():
        try:
            msgspec.convert(value, kind, strict=True)
        except msgspec.ValidationError:
            return str(key)
    return None


def field_names(kind: Any, seen: set[Any] | None = None) -> set[str]:
    """Every field name of a struct type and of the structs inside it."""
    seen = set() if seen is None else seen
    names: set[str] = set()
    if kind in seen:
        return names
    seen.add(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for each in msgspec.structs.fields(kind):
            names.add(each.encode_name)
            names |= field_names(each.type, seen)
    for each in getattr(kind, "__args__", ()):
        names |= field_names(each, seen)
    return names
