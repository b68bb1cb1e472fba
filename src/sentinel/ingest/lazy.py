"""Events that are decoded on access, as few are read."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import overload

import msgspec

from sentinel.model.events import Event


class _Events(Sequence[Event]):
    @abstractmethod
    def _one(self, row: int) -> Event:
        """The event of a row from 0 on."""

    @overload
    def __getitem__(self, row: int) -> Event: ...
    @overload
    def __getitem__(self, row: slice) -> list[Event]: ...
    def __getitem__(self, row: int | slice) -> Event | list[Event]:
        rows = range(len(self))
        if isinstance(row, slice):
            return [self._one(each) for each in rows[row]]
        return self._one(rows[row])


class MadeEvents(_Events):
    """Events by their records, each decoded once."""

    def __init__(self, decode: Callable[[bytes], Event], values: Sequence[bytes | None]) -> None:
        self._decode, self._values = decode, values
        self._made: dict[int, Event] = {}

    def __len__(self) -> int:
        return len(self._values)

    def _one(self, row: int) -> Event:
        event = self._made.get(row)
        if event is None:
            event = self._made[row] = self._decode(self._values[row] or b"")
        return event


class ChosenEvents(_Events):
    """Some events of a sequence."""

    def __init__(self, events: Sequence[Event], rows: Sequence[int]) -> None:
        self._events, self._rows = events, rows

    def __len__(self) -> int:
        return len(self._rows)

    def _one(self, row: int) -> Event:
        return self._events[self._rows[row]]


class RenamedEvents(_Events):
    """The events of a sequence, some with another event_id."""

    def __init__(self, events: Sequence[Event], ids: Mapping[int, str]) -> None:
        self._events, self._ids = events, ids

    def __len__(self) -> int:
        return len(self._events)

    def _one(self, row: int) -> Event:
        event, name = self._events[row], self._ids.get(row)
        return event if name is None else msgspec.structs.replace(event, event_id=name)
