"""The structs as Avro schemas, made from the types that JSON is decoded and encoded with.

Words are strings, so that more of them may come; times are ``long`` epoch milliseconds; what
may be missing is null by default.
"""

from typing import Any

import msgspec
from msgspec import inspect

Schema = dict[str, Any] | list[Any] | str


def avro_schema(kind: type[msgspec.Struct], namespace: str = "io.sentinel.v1") -> dict[str, Any]:
    """The record schema of a struct; raises NotImplementedError for a type that Avro lacks."""
    made = _Maker(namespace).schema(inspect.type_info(kind))
    assert isinstance(made, dict)  # noqa: S101 - a struct is a record
    return made


class _Maker:
    """Describes each record once; later it is referred to by its name."""

    def __init__(self, namespace: str) -> None:
        self._namespace, self._known = namespace, set[str]()

    def schema(self, kind: inspect.Type) -> Schema:
        match kind:
            case inspect.StructType():
                return self._record(kind)
            case inspect.StrType() | inspect.EnumType() | inspect.LiteralType():
                return "string"
            case inspect.IntType() | inspect.DateTimeType():
                return "long"
            case inspect.FloatType():
                return "double"
            case inspect.BoolType():
                return "boolean"
            case inspect.NoneType():
                return "null"
            case inspect.DictType():
                return {"type": "map", "values": self.schema(kind.value_type)}
            case inspect.VarTupleType() | inspect.ListType():
                return {"type": "array", "items": self.schema(kind.item_type)}
            case inspect.UnionType():
                return self._union(kind)
        raise NotImplementedError(str(kind))

    def _record(self, kind: inspect.StructType) -> Schema:
        name = kind.cls.__name__
        if name in self._known:
            return f"{self._namespace}.{name}"
        self._known.add(name)
        return {
            "type": "record",
            "name": name,
            "namespace": self._namespace,
            "fields": [self._field(field) for field in kind.fields],
        }

    def _field(self, field: inspect.Field) -> dict[str, Any]:
        made = self.schema(field.type)
        described: dict[str, Any] = {"name": field.encode_name, "type": made}
        if isinstance(made, list) and made[0] == "null":
            described["default"] = None
        elif isinstance(field.default, (str, int, float, bool)):
            described["default"] = field.default
        elif field.default_factory is dict:
            described["default"] = {}
        return described

    def _union(self, kind: inspect.UnionType) -> Schema:
        """Each alternative once, null first."""
        parts: list[Schema] = []
        for each in kind.types:
            made = self.schema(each)
            if made not in parts:
                parts.append(made)
        parts.sort(key=lambda part: part != "null")
        return parts if len(parts) > 1 else parts[0]
