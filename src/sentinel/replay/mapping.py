"""Mapping files: how the columns of foreign data become the fields of our events.

```yaml
stream: transaction
encoding: gb18030                                  # of a text file, else UTF-8
delimiter: ";"                                     # of delimited text, else by the file's name
decimal: ","                                       # then 1.234,50 is a number
only: {STATE: [booked]}                            # other rows are skipped
fields:
  event_id: {template: "tx-{ID}"}                  # text with columns in it
  event_time: {from: DATE, format: "%d-%m-%Y", zone: Europe/Berlin}
  customer_id: CUSTOMER                            # a column as it is
  kind: {value: card}                              # a constant
  channel: {from: VIA, choices: {Web: app}, otherwise: branch}
  direction: {sign_of: CENTS, choices: {"-": debit, "+": credit}}
  amount: {from: CENTS, absolute: true, scale: 0.01, default: 0}
  currency: {from: CUR, upper: true}               # in capitals
  counterparty_id: [IBAN, ACCOUNT]                 # the first of these that a row has
```

The type of a field determines whether it is read as text, number, true/false or time, so a
mapping does not repeat it.  A value that cannot be converted is passed on as it stands:
ingest then refuses the event, and the dead letter shows the value.  Columns that no
field names are left out.  ``lines`` turns text logs into columns: regular expressions
with named groups, the first that is found in a line gives its columns.  ``root`` is the
path of the JSON object that has the columns, or of an array of such objects.  ``{row}`` is
the row's number, from 1, unless the file has a column of that name.

A time that states its zone is read as it is.  Others need ``zone``, and ``format`` (strptime's)
or ``unit`` and ``since`` if they are counted; without either a number is in milliseconds.
A format without a year gives the last such time before the file was written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from sentinel.model.columns import FIELDS
from sentinel.model.document import Document, WrongTextError
from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.model.expression import Expression, compile_expression
from sentinel.model.file import read_document
from sentinel.replay import mapping_check as check
from sentinel.replay.block import ReplayError
from sentinel.replay.fields import Field

_SHIPPED = Path(__file__).resolve().parent.parent / "configs" / "mappings"


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    stream: Stream
    fields: dict[str, Any]
    lines: list[str] = []
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    root: str | None = None
    only: dict[str, list[str]] = {}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping: one stream's fields, and how its file is to be read.

    ``patterns`` are there where the file is a text log.
    """

    stream: Stream
    fields: dict[str, Field]
    patterns: tuple[Expression, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    root: str | None = None
    only: dict[str, list[str]] = field(default_factory=dict)

    def columns(self) -> list[str]:
        """The columns that the mapping reads, each once, in the order of the fields."""
        read = [name for field in self.fields.values() for name in field.columns()]
        return list(dict.fromkeys([*read, *self.only]))


def identity(stream: Stream, columns: Iterable[str]) -> Mapping:
    """The mapping of a table whose columns already have our names."""
    known = set(columns)
    return Mapping(
        stream,
        {
            name: Field(column=name)
            for name in FIELDS[stream]
            if name in known or is_required(stream, name)
        },
    )


def shipped() -> list[str]:
    """Names of the mappings that come with Sentinel."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def read(name: str) -> Mapping:
    """A mapping by path, or a shipped one by name.

    Raises ConfigError for what is wrong in it, ReplayError and OSError where it is not
    to be had.
    """
    path = Path(name)
    if name in shipped():
        path = _SHIPPED / f"{name}.yaml"
    elif not path.suffix:
        known = ", ".join(shipped())
        raise ReplayError(f'no mapping "{name}": give a file, or one of {known}')
    return load(read_document(path))


def load(document: Document) -> Mapping:
    """Check a mapping document; raises ConfigError at the first thing that is wrong."""
    spec = document.convert(_File)
    check.check_reading(document)
    patterns = tuple(_pattern(document, index, text) for index, text in enumerate(spec.lines))
    fields = {name: check.checked(document, spec.stream, name) for name in spec.fields}
    for name in FIELDS[spec.stream]:
        if name not in fields and is_required(spec.stream, name):
            raise document.error(("fields",), f'a {spec.stream} needs the field "{name}"')
    mapping = Mapping(
        spec.stream,
        fields,
        patterns,
        spec.encoding,
        spec.delimiter,
        spec.decimal,
        spec.root,
        spec.only,
    )
    if patterns:
        check.check_groups(document, fields, mapping.only, patterns)
    return mapping


def is_required(stream: Stream, name: str) -> bool:
    """Whether every event of the stream has the field."""
    kinds = msgspec.structs.fields(EVENT_TYPES[stream])
    return any(each.name == name and each.required for each in kinds)


def _pattern(document: Document, index: int, text: str) -> Expression:
    try:
        return compile_expression(text)
    except WrongTextError as error:
        raise document.wrong_text(("lines", index), error) from None
