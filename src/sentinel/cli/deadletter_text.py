"""What ``sentinel deadletter`` prints: letters, results, summaries and a bar."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec

from sentinel.cli.deadletter_replay import Counts, Result
from sentinel.kafka.letter_topic import Letters
from sentinel.kafka.reader import Advance
from sentinel.model.letter import Letter, WholeLetter
from sentinel.model.visible import visible

_HOUR_MS, _MINUTE_MS = 3_600_000, 60_000


@contextmanager
def bar(what: str) -> Iterator[Advance]:
    """A progress bar on stderr, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def letter_line(letter: Letter, *, as_json: bool) -> str:
    """A letter without its value in one line."""
    if as_json:
        return msgspec.json.encode(_fields(letter)).decode()
    length = "no value" if letter.value_bytes is None else f"{letter.value_bytes} bytes"
    cut = ", cut" if letter.is_cut else ""
    line = f"{letter.position}  {_when(letter.at_ms)}  {letter.reason}  {length}{cut}"
    if letter.repair is not None:
        line += f"  repaired {_when(letter.repair.at_ms)} by {letter.repair.by}"
    return visible(f"{line}  {letter.detail}")


def whole_letter(whole: WholeLetter, *, as_json: bool) -> str:
    """A letter with its headers and value."""
    if as_json:
        headers = {name: _text(data) for name, data in whole.headers.items()}
        value = {"value": None} if whole.value is None else _value(whole.value)
        fields = {**_fields(whole.letter), "headers": headers, **value}
        return msgspec.json.encode(fields).decode()
    lines = [letter_line(whole.letter, as_json=False)]
    lines += [visible(f"{name}: {_text(data)}") for name, data in whole.headers.items()]
    if whole.value is not None:
        ((name, text),) = _value(whole.value).items()
        lines.append(f"{name}: {visible(text)}")
    return "\n".join(lines)


def summary(found: Letters) -> str:
    """How many letters there are by reason and topic, and which are not listed."""
    parts = [f"{n:,} {reason} of {topic}" for (reason, topic), n in found.counts.most_common()]
    text = visible(f"dead letters: {', '.join(parts) or 0}")
    if found.repaired:
        text += f"; {found.repaired:,} repaired"
    if found.dropped:
        text += f"\nonly the newest {len(found.letters):,} are listed (--limit, --since)"
    return text


def resent(result: Result, *, as_json: bool) -> str:
    """The outcome for one letter in one line."""
    done = "would be sent" if result.dry_run else "sent"
    is_late = any(each.is_late for each in result.events)
    if not as_json:
        position, reason = result.letter.position, result.stays
        return visible(
            f"{position}  stays: {reason}" if reason else f"{position}  {done}{_late(is_late)}"
        )
    fields: dict[str, object] = {"id": str(result.letter.position)}
    if result.stays:
        fields |= {"outcome": "stays", "detail": result.stays}
    else:
        ids = [each.event_id for each in result.events]
        fields |= {"outcome": done, "event_ids": ids, "late": is_late}
        if result.dry_run:
            fields["events"] = [_text(each.value) for each in result.events]
    return msgspec.json.encode(fields).decode()


def resent_summary(counts: Counts, lateness_ms: int) -> str:
    """How many letters were sent, how many are late and how many stay."""
    done = "would be sent" if counts.dry_run else "sent"
    lines = [f"dead letters: {counts.sent:,} {done}, {counts.stay:,} stay"]
    if counts.repaired:
        lines[0] += f", {counts.repaired:,} skipped: sent before"
    if counts.late:
        older = f"older than `lateness` ({_length(lateness_ms)})"
        lines.append(
            f"{counts.late:,} of {counts.sent:,} are {older}: "
            "they update features and raise no alert; see docs/operations.md"
        )
    return "\n".join(lines)


def _late(is_late: bool) -> str:
    return ", late" if is_late else ""


def _length(ms: int) -> str:
    if ms % _HOUR_MS == 0:
        return f"{ms // _HOUR_MS} h"
    return f"{ms // _MINUTE_MS} min" if ms % _MINUTE_MS == 0 else f"{ms / 1000:.0f} s"


def _fields(letter: Letter) -> dict[str, object]:
    repair = letter.repair
    return {
        "id": str(letter.position),
        "at": _when(letter.at_ms),
        "reason": letter.reason,
        "detail": letter.detail,
        "bytes": letter.value_bytes,
        "cut": letter.is_cut,
        "repaired": None if repair is None else {"at": _when(repair.at_ms), "by": repair.by},
    }


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(data: bytes) -> str:
    """Bytes as text, or as base64 where they are not UTF-8."""
    ((_, text),) = _value(data).items()
    return text


def _value(data: bytes) -> dict[str, str]:
    """A value as text, or in base64 where it is not UTF-8."""
    try:
        return {"value": data.decode()}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(data).decode()}
