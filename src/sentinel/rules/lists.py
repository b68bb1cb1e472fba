"""Lists that conditions ask, ``country in lists.sanctioned``; an entry may end with a day."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sentinel.model.document import Document
from sentinel.model.events import LAST_MOMENT_MS
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.network import network_of
from sentinel.model.signal import Title

MAX_LISTS = 100
MAX_ENTRIES = 10_000  # of all lists: a worker reads them anew at every change of configuration
_DAY_MS = 86_400_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Purpose(StrEnum):
    """What being on a list means to those who keep it."""

    ALLOW = "allow"
    DENY = "deny"
    WATCH = "watch"


_Value = Annotated[str, Meta(min_length=1, max_length=128)]


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    value: _Value
    until: str = ""
    note: Annotated[str, Meta(max_length=200)] = ""


class ListFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list as written: what it is for, who keeps it, and where its entries come from.

    ``dated`` is the day of the source, ``period`` how often the source changes: both or neither.
    """

    title: Title
    purpose: Purpose
    owner: str
    source: str
    dated: str = ""
    period: str = ""
    entries: list[_Value | _Entry]


@dataclass(frozen=True, slots=True, eq=False)
class EntryList:
    """A list as conditions ask it.

    ``file`` is the file's content.  ``hashes`` uint64[n] ascending are the entries' texts
    (model.ids), ``until_ms`` int64[n] the first moment, ms UTC, at which each is no longer on
    the list, ``notes`` the note of each.  ``renew_by`` is the last day on which the list is no
    older than its period, None if it has none.
    """

    name: str
    file: ListFile
    hashes: NDArray[np.uint64]
    until_ms: NDArray[np.int64]
    notes: tuple[str, ...]
    renew_by: date | None

    def values(self) -> list[str]:
        """The entries' texts as written."""
        return [each if isinstance(each, str) else each.value for each in self.file.entries]

    def describe(self, text_hash: int) -> str | None:
        """An entry in a reason: the list's purpose and the note; None without an entry."""
        found = int(np.searchsorted(self.hashes, np.uint64(text_hash)))
        if found == self.hashes.size or int(self.hashes[found]) != text_hash:
            return None
        note = self.notes[found]
        purpose = self.file.purpose
        return f"{purpose}: {note}" if note else str(purpose)


def declare_lists(
    documents: Sequence[Document], zone: ZoneInfo, hasher: Hasher = PLAIN
) -> dict[str, EntryList]:
    """Every list by its name; a day ends at midnight of ``zone``; raises ConfigError."""
    lists: dict[str, EntryList] = {}
    left = MAX_ENTRIES
    for document in documents:
        if len(lists) == MAX_LISTS:
            raise document.error((), f"more than {MAX_LISTS} lists")
        _refuse_numbers(document)
        file = document.convert(ListFile)
        name = PurePosixPath(document.path).stem
        if not _NAME.fullmatch(name):
            hint = "the file's name: lower-case letters, digits and _"
            raise document.error((), f'"{name}" is no name of a list', hint)
        if len(file.entries) > left:
            raise document.error(("entries", left), f"more than {MAX_ENTRIES} entries in all lists")
        left -= len(file.entries)
        lists[name] = _compiled(name, document, file, zone, hasher)
    return lists


def outdated(lists: Mapping[str, EntryList], today: date) -> list[str]:
    """A warning for each list that is older than its period."""
    return [
        f"lists/{each.name}.yaml: dated {each.file.dated}, older than its period of "
        f"{each.file.period}: compare it with its source"
        for each in lists.values()
        if each.renew_by is not None and today > each.renew_by
    ]


def _refuse_numbers(document: Document) -> None:
    """Codes made of digits are texts: unquoted, 0742 would lose its zero."""
    entries = document.data.get("entries") if isinstance(document.data, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        value = entry.get("value") if isinstance(entry, dict) else entry
        if isinstance(value, (int, float)):
            where = ("entries", index, "value") if isinstance(entry, dict) else ("entries", index)
            raise document.error(where, "an entry is a text", "in quotes")


def _compiled(
    name: str, document: Document, file: ListFile, zone: ZoneInfo, hasher: Hasher
) -> EntryList:
    first: dict[str, int] = {}
    entries = [_Entry(each) if isinstance(each, str) else each for each in file.entries]
    for index, entry in enumerate(entries):
        if entry.value in first:
            line, _ = document.position("entries", first[entry.value])
            message = f'"{entry.value}" stands already in line {line}'
            raise document.error(("entries", index), message)
        first[entry.value] = index
    until_ms = [
        _end_of_day_ms(document, ("entries", index, "until"), entry.until, zone)
        for index, entry in enumerate(entries)
    ]
    last: dict[
        str, int
    ] = {}  # the index of the entry that is valid longest; of addresses, networks
    for index, entry in enumerate(entries):
        for text in {entry.value: None, network_of(entry.value): None}:
            if text and (text not in last or until_ms[index] > until_ms[last[text]]):
                last[text] = index
    hashes = hasher.texts(list(last))
    rows = np.array(list(last.values()), np.int64)[np.argsort(hashes, kind="stable")]
    return EntryList(
        name,
        file,
        np.sort(hashes),
        np.array(until_ms, np.int64)[rows],
        tuple(entries[index].note for index in rows),
        _renew_by(document, file),
    )


def _end_of_day_ms(
    document: Document, path: tuple[str | int, ...], text: str, zone: ZoneInfo
) -> int:
    """The midnight after the day ``text``; beyond all events where there is no day."""
    if not text:
        return LAST_MOMENT_MS + 1
    next_day = _days_after(document, path, text, 1)
    return int(datetime.combine(next_day, time(), zone).timestamp() * 1000)


def _renew_by(document: Document, file: ListFile) -> date | None:
    """The last day of the period that begins with the day of the list."""
    if not file.dated and not file.period:
        return None
    if not file.dated or not file.period:
        path = ("dated",) if file.dated else ("period",)
        raise document.error(path, "dated and period go together", "2027-01-31 and 120d")
    days = document.duration_ms(("period",), file.period) // _DAY_MS
    return _days_after(document, ("dated",), file.dated, days)


def _days_after(document: Document, path: tuple[str | int, ...], text: str, days: int) -> date:
    """The day that is ``days`` after the day ``text``, which stands at ``path``."""
    try:
        return date.fromisoformat(text) + timedelta(days=days)
    except (ValueError, OverflowError):
        raise document.error(path, f'"{text}" is not a day', "such as 2027-01-31") from None
