"""The common part of a detector's entry in detectors.yaml, and its factory."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from sentinel.detect.detector import Detector
from sentinel.detect.ranges import Range
from sentinel.model.events import Stream


class DetectorError(ValueError):
    """A detector that cannot be made with these parameters.

    ``path`` is where in its entry: a key, or a key and one of its parameters.
    """

    def __init__(self, path: tuple[str, ...], message: str, hint: str = "") -> None:
        super().__init__(message)
        self.path, self.message, self.hint = path, message, hint


class CalibrationEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """How scores become p-values; see :class:`sentinel.detect.calibration.Calibration`."""

    half_life_events: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 100_000
    warm_up: Annotated[int, Meta(ge=1, le=10_000_000)] = 1_000


class Entry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """What a risk engineer writes of a detector; a kind adds its parameters and a tag."""

    id: str
    on: Stream
    features: dict[str, Any]
    calibration: CalibrationEntry = CalibrationEntry()

    def build(self, ranges: Mapping[str, Range]) -> Detector:
        """A detector that has learnt nothing, over features in this order and their ranges.

        Raises DetectorError.
        """
        raise NotImplementedError
