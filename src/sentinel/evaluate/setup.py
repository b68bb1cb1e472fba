"""What a supervised evaluation runs with: a folder of two files, checked together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct

from sentinel import features
from sentinel.evaluate.learning import boosted
from sentinel.evaluate.learning.declare import Feedback
from sentinel.evaluate.learning.declare import declare as declare_feedback
from sentinel.model.columns import FIELDS, Column, Kind
from sentinel.model.document import Document, did_you_mean
from sentinel.model.events import Stream
from sentinel.model.file import read_document


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    ratios: dict[str, tuple[str, str]]
    feedback: dict[str, Any]
    detector: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setup:
    """Features of the customer, ratios of columns, risk by labels, and the model on them all."""

    declarations: features.Declarations
    ratios: dict[str, tuple[str, str]]
    feedback: Feedback
    detector: boosted.BoostedEntry


def read(folder: Path) -> Setup:
    """Read ``features.yaml`` and ``supervised.yaml``; raises ConfigError and OSError."""
    declarations = features.declare(read_document(folder / "features.yaml", "features.yaml"))
    document = read_document(folder / "supervised.yaml", "supervised.yaml")
    file = document.convert(_File)
    columns = dict(FIELDS[Stream.TRANSACTION])
    columns |= {each.name: each.column for each in declarations.features}
    columns |= _ratios(document, file.ratios, columns)
    declared = declare_feedback(document.part("feedback"), columns)
    columns |= {each.name: each.column for each in declared.measures}
    detector = boosted.declare(document.part("detector"), columns)
    evidence = declared.entry.risk.evidence
    if evidence not in detector.features:
        path = ("feedback", "risk", "evidence")
        raise document.error(path, f'"{evidence}" is kept with an event only as a feature')
    return Setup(declarations, file.ratios, declared, detector)


def _ratios(
    document: Document, ratios: dict[str, tuple[str, str]], columns: dict[str, Column]
) -> dict[str, Column]:
    numbers = [name for name, column in columns.items() if column.kind is Kind.NUMBER]
    for name, parts in ratios.items():
        if name in columns:
            raise document.error(("ratios", name), f'a column "{name}" is there already')
        for i, part in enumerate(parts):
            if part not in numbers:
                message, hint = f'no number "{part}"', did_you_mean(part, numbers)
                raise document.error(("ratios", name, i), message, hint)
    return {name: Column(name, Kind.NUMBER) for name in ratios}
