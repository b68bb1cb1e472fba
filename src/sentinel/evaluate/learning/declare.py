"""What a risk engineer writes about labels and the risk that they show, checked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from sentinel.evaluate.learning.label_history import Question
from sentinel.model.columns import Column, Kind
from sentinel.model.document import ConfigError, Document, did_you_mean

MAX_MEASURES = 32
_WINDOWED = (Question.SHARE, Question.FRAUDS, Question.SINCE_FIRST)
_SECONDS = (Question.SINCE_FIRST, Question.SINCE_LAST, Question.RUN_SINCE)

Rows = Annotated[int, Meta(ge=1, le=100_000_000)]


class _Measure(Struct, frozen=True, forbid_unknown_fields=True):
    share: bool = False
    frauds: bool = False
    since_first: bool = False
    since_last: bool = False
    run: bool = False
    run_since: bool = False
    run_least: bool = False
    window: str | None = None


class RiskEntry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``label_history.LabelHistory`` keeps; ``evidence`` is the column of ``run_least``."""

    by: str
    history: Annotated[int, Meta(ge=1, le=256)] = 64
    max_entities: Rows = 100_000
    evidence: str
    measures: dict[str, _Measure]


class FeedbackEntry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How labels come and how long they teach; durations as written."""

    delay: str
    max_pending: Rows
    keep: str
    max_rows: Rows
    genuine_share: Annotated[float, Meta(gt=0, le=1)]
    risk: RiskEntry


@dataclass(frozen=True, slots=True)
class Measure:
    """One declared measure of risk; ``window_ms`` is None where it looks back on all labels."""

    name: str
    question: Question
    window_ms: int | None

    @property
    def column(self) -> Column:
        """The column that a model sees."""
        return Column(self.name, Kind.NUMBER, unit="s" if self.question in _SECONDS else "")


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is declared, checked: durations in milliseconds."""

    entry: FeedbackEntry
    delay_ms: int
    keep_ms: int
    measures: tuple[Measure, ...]


def declare(document: Document, columns: Mapping[str, Column]) -> Feedback:
    """Read the feedback part of a configuration against the columns there are.

    Raises ConfigError.
    """
    entry = document.convert(FeedbackEntry)
    risk = entry.risk
    strings = [name for name, each in columns.items() if each.kind is Kind.STRING]
    if risk.by not in strings:
        message = f'no id "{risk.by}"'
        raise document.error(("risk", "by"), message, did_you_mean(risk.by, strings))
    numbers = [name for name, each in columns.items() if each.kind is Kind.NUMBER]
    if risk.evidence not in numbers:
        message = f'no number "{risk.evidence}"'
        raise document.error(("risk", "evidence"), message, did_you_mean(risk.evidence, numbers))
    if not 1 <= len(risk.measures) <= MAX_MEASURES:
        message = f"risk has 1 to {MAX_MEASURES} measures"
        raise document.error(("risk", "measures"), message)
    return Feedback(
        entry,
        document.duration_ms(("delay",), entry.delay),
        document.duration_ms(("keep",), entry.keep),
        tuple(
            _measure(document, columns.keys(), name, each) for name, each in risk.measures.items()
        ),
    )


def _measure(
    document: Document, existing: Collection[str], name: str, written: _Measure
) -> Measure:
    path = ("risk", "measures", name)
    if not name.isidentifier() or name in existing:
        line, column = document.key_position(*path)
        message = f'"{name}" is a column already or not a plain name'
        raise ConfigError(document.path, line, column, message)
    asked = [each for each in Question if getattr(written, each.name.lower())]
    if len(asked) != 1:
        words = ", ".join(each.name.lower() for each in asked) or "none"
        hint = "one of " + ", ".join(each.name.lower() for each in Question)
        raise document.error(path, f"a measure asks one thing, here: {words}", hint)
    if (asked[0] in _WINDOWED) != (written.window is not None):
        need = "needs a" if asked[0] in _WINDOWED else "takes no"
        raise document.error(path, f"{asked[0].name.lower()} {need} window")
    window_ms = (
        None if written.window is None else document.duration_ms((*path, "window"), written.window)
    )
    return Measure(name, asked[0], window_ms)
