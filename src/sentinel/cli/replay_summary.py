"""What a replay counted, for people on stderr and for programs in a file."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import typer

from sentinel.model.visible import visible
from sentinel.replay.run import Origin, Summary

_LETTERS = 5  # kinds of dead letters, by file and reason, of which the first is shown


def write_summary(path: Path, summary: Summary, seconds: float, version: str) -> None:
    """Write the counts to a file, as JSON."""
    events = sum(summary.events.values())
    letters = [
        {"file": each.topic, "row": each.offset, "reason": each.reason, "detail": each.detail}
        for each in summary.first_letters.values()
    ]
    data = {
        "config_version": version,
        "seconds": round(seconds, 3),
        "events_per_s": round(events / seconds),
        **msgspec.to_builtins(dataclasses.replace(summary, first_letters={})),
        "first_letters": letters,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(data)) + b"\n")


def print_summary(sources: Sequence[Origin], summary: Summary, seconds: float) -> None:
    """Print to stderr which files' years were guessed, and the counts.

    Every row is an event, a dead letter, a repeat, or skipped: these add up to ``rows``.
    """
    for source in sources:
        if source.guessed_year:
            typer.echo(f"{source.name}: times without a year: by the file's own date", err=True)
    events = sum(summary.events.values())
    sums = {
        "events": events,
        "dead letters": summary.dead_letters.total(),
        "repeats": summary.repeated.total(),
        "skipped": summary.skipped.total(),
    }
    _line("rows", summary.rows, "  ".join(f"{name} {count:,}" for name, count in sums.items()))
    lines: dict[str, Mapping[Any, int]] = {
        "events": summary.events,
        "alerts": summary.alerts,
        "dead letters": summary.dead_letters,
        "repeats": summary.repeated,
        "conflicts": summary.conflicts,
        "named nothing": summary.missing,
        "skipped": summary.skipped,
        "late": summary.late,
        "no revision": summary.dropped_signals,
        "limits": summary.limits,
    }
    for name, counts in lines.items():
        parts = "  ".join(f"{key} {count:,}" for key, count in counts.items() if count)
        _line(name, sum(counts.values()), parts)
        if name == "dead letters":
            _print_letters(summary)
    for topic in summary.topics:
        times = f"{topic.rise:.1f} times as often, e.g. {' '.join(topic.examples)}"
        _line("new topic", topic.complaints, f"{topic.term}: {times}")
    rate = f"events/s, {seconds:.1f} s; {summary.opened:,} alerts opened"
    _line("rate", round(events / seconds), rate)


def _line(name: str, count: int, parts: str) -> None:
    typer.echo(f"{name:<13} {count:>10,}   {parts}".rstrip(), err=True)


def _print_letters(summary: Summary) -> None:
    """The first dead letter of each file and reason, so that a file's fault is seen at once."""
    letters = list(summary.first_letters.values())
    for letter in letters[:_LETTERS]:
        where = f"{letter.topic} row {letter.offset}"
        typer.echo(visible(f"  first {letter.reason}: {where}: {letter.detail}"), err=True)
    if len(letters) > _LETTERS:
        typer.echo(f"  and {len(letters) - _LETTERS} more kinds", err=True)
