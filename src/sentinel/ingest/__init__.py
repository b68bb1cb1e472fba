"""Ingest: records of bytes become columns of events, or dead letters with a reason."""

from sentinel.ingest.ahead import Ahead
from sentinel.ingest.append_time import NEVER
from sentinel.ingest.control import ControlRecords, decode_responses, decode_silences, positions
from sentinel.ingest.decode import decode
from sentinel.ingest.decoded import Decoded
from sentinel.ingest.event_ids import CONFLICT, REPEAT, EventIds
from sentinel.ingest.limits import Limits, OtherValues
from sentinel.ingest.merge import Watermarks, merge
from sentinel.ingest.position import Position

__all__ = [
    "CONFLICT",
    "NEVER",
    "REPEAT",
    "Ahead",
    "ControlRecords",
    "Decoded",
    "EventIds",
    "Limits",
    "OtherValues",
    "Position",
    "Watermarks",
    "decode",
    "decode_responses",
    "decode_silences",
    "merge",
    "positions",
]
