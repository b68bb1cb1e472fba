"""The kinds of detectors: the one list, to which a new kind is added."""

from sentinel.detect.river_model import RiverEntry
from sentinel.detect.trees import TreesEntry

AnyEntry = TreesEntry | RiverEntry
