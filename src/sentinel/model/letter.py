"""Dead letters as they are read back: the position of the record, and why it was refused."""

import re
from dataclasses import dataclass
from typing import NamedTuple

_ID = re.compile(r"(?P<topic>[\w.-]+)/(?P<partition>\d{1,9})/(?P<offset>\d{1,18})", re.ASCII)


class RecordPosition(NamedTuple):
    """The position of a record; as text the id of its dead letter: ``sentinel.logins/0/17``."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


def parse_position(text: str) -> RecordPosition:
    """Parse the id of a dead letter; raises ValueError with the message to show.

    >>> parse_position("sentinel.logins/0/17")
    RecordPosition(topic='sentinel.logins', partition=0, offset=17)
    """
    found = _ID.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is not the id of a dead letter, such as sentinel.logins/0/17')
    return RecordPosition(found["topic"], int(found["partition"]), int(found["offset"]))


@dataclass(frozen=True, slots=True)
class Repair:
    """When a dead letter was sent again (ms UTC), and by whom."""

    at_ms: int
    by: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter without its value.

    ``spot`` is partition and offset of the letter itself on the dead letter topic, ``at_ms`` when
    it was written (ms UTC), ``value_bytes`` the length of the whole value, None where the record
    had none.  Of a letter that ``is_cut`` only the start of the value is kept.
    """

    position: RecordPosition
    spot: tuple[int, int]
    at_ms: int
    reason: str
    detail: str
    value_bytes: int | None
    is_cut: bool
    repair: Repair | None = None


@dataclass(frozen=True, slots=True)
class WholeLetter:
    """A dead letter with its record's value, or the start of it, and the letter's headers."""

    letter: Letter
    value: bytes | None
    headers: dict[str, bytes]
