"""All configured detectors with their calibrations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.detect.calibration import Calibration
from sentinel.detect.declare import Declaration, declare
from sentinel.detect.detector import Detector
from sentinel.detect.entry import DetectorError
from sentinel.model.columns import Array, Column, Kind, Rows, Schema
from sentinel.model.document import ConfigError, Document
from sentinel.model.events import Stream
from sentinel.model.stage import WHOLE_STATE, Buffer, Parts
from sentinel.model.step import Limit


@dataclass(frozen=True, slots=True)
class _Part:
    """One detector at work on its columns; ``outputs`` are its score and its p-value.

    Parts of one ``meaning`` learn the same from the same events.
    """

    id: str
    meaning: object
    stream: Stream
    inputs: tuple[Column, ...]
    outputs: tuple[Column, Column]
    detector: Detector
    calibration: Calibration

    def score(self, rows: Rows) -> None:
        values = np.empty((len(rows), len(self.inputs)), np.float64)
        for index, column in enumerate(self.inputs):
            values[:, index] = _numbers(rows.columns[column.name], column.kind)
        scores = self.detector.score(values)
        score, p = self.outputs
        rows.columns[score.name] = scores
        rows.columns[p.name] = self.calibration.p_values(scores)


class DetectorSet:
    """The detectors of every stream.

    A detector called ``trees`` adds two columns to its stream: ``trees_score``
    float64, the model's own scale, higher is stranger, and ``trees_p`` float64 in (0, 1],
    the share of earlier events at least as strange.  Both are NaN (missing) where the model
    or its calibration has seen too little.
    """

    def __init__(self, parts: Sequence[_Part]) -> None:
        self.limits: Counter[Limit] = Counter()  # what detectors hold is bounded from the start
        self._parts = {
            stream: [part for part in parts if part.stream is stream] for stream in Stream
        }

    @property
    def columns(self) -> dict[Stream, dict[str, Column]]:
        """The columns that :meth:`score` adds, by stream and name."""
        return {
            stream: {column.name: column for part in parts for column in part.outputs}
            for stream, parts in self._parts.items()
        }

    @property
    def demand(self) -> dict[Stream, frozenset[str]]:
        """The names of the columns that :meth:`score` reads, by stream."""
        return {
            stream: frozenset(column.name for part in parts for column in part.inputs)
            for stream, parts in self._parts.items()
        }

    def narrowed(self, demand: Mapping[Stream, frozenset[str]]) -> "DetectorSet":
        """Only the detectors of which a column is in ``demand``, names by stream.

        The detectors are shared, not copied: use one of the two sets.
        """
        return DetectorSet(
            [
                part
                for stream, parts in self._parts.items()
                for part in parts
                if demand.get(stream, frozenset()) & {column.name for column in part.outputs}
            ]
        )

    def score(self, rows: Rows) -> None:
        """Add every detector's columns to ``rows``: score, then learn, row by row."""
        for part in self._parts[rows.stream]:
            part.score(rows)

    def carry(self, old: "DetectorSet") -> None:
        """Continue with what ``old`` has learnt, where a detector is the same."""
        before = {part.id: part for parts in old._parts.values() for part in parts}  # noqa: SLF001
        for parts in self._parts.values():
            for part in parts:
                same = before.get(part.id)
                if same is not None and same.meaning == part.meaning:
                    part.detector.restore(same.detector.snapshot())
                    part.calibration.restore(same.calibration.snapshot())

    def snapshot(self) -> dict[str, Buffer]:
        """All that the detectors and calibrations have learnt."""
        return {
            WHOLE_STATE: msgspec.msgpack.encode(
                [
                    (part.id, part.detector.snapshot(), part.calibration.snapshot())
                    for parts in self._parts.values()
                    for part in parts
                ]
            )
        }

    def restore(self, parts: Parts) -> None:
        """Restore the state that :meth:`snapshot` returned, under the same configuration."""
        learnt = {
            name: (detector, calibration)
            for name, detector, calibration in msgspec.msgpack.decode(
                bytes(parts[WHOLE_STATE]), type=list[tuple[str, bytes, bytes]]
            )
        }
        for mine in self._parts.values():
            for part in mine:
                detector, calibration = learnt[part.id]
                part.detector.restore(detector)
                part.calibration.restore(calibration)

    def spot(self) -> Buffer:
        """All that was learnt: it is small, and every event changes all of it."""
        return self.snapshot()[WHOLE_STATE]


def load(document: Document, schema: Schema) -> DetectorSet:
    """The detectors of detectors.yaml, nothing learnt yet; raises ConfigError.

    ``schema`` holds the event fields and features that detectors may use.
    """
    return DetectorSet([_part(document, schema, each) for each in declare(document, schema)])


def _part(document: Document, schema: Schema, declaration: Declaration) -> _Part:
    entry = declaration.entry
    detector = _detector(document, declaration)
    calibration = Calibration(
        detector.top, entry.calibration.half_life_events, entry.calibration.warm_up
    )
    inputs = tuple(schema[entry.on][name] for name in declaration.ranges)
    meaning = (entry, declaration.ranges)
    return _Part(entry.id, meaning, entry.on, inputs, declaration.outputs, detector, calibration)


def _detector(document: Document, declaration: Declaration) -> Detector:
    try:
        return declaration.entry.build(declaration.ranges)
    except DetectorError as error:
        path = (*declaration.path, *error.path)
        names_it = len(error.path) > 1  # a parameter: its key is at fault
        at = document.key_position(*path) if names_it else document.position(*path)
        raise ConfigError(document.path, *at, error.message, error.hint) from None


def _numbers(array: Array, kind: Kind) -> NDArray[np.float64]:
    """A column as numbers: truths are 0 (false), 0.5 (unknown) and 1 (true)."""
    numbers = array.astype(np.float64, copy=False)
    return numbers / 2 if kind is Kind.TRUTH else numbers
