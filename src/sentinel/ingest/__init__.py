"""Ingest: records of bytes become columns of events, or dead letters with a reason."""

from sentinel.ingest.control import decode_responses, decode_silences, places
from sentinel.ingest.decode import Decoded, decode
from sentinel.ingest.event_ids import EventIds
from sentinel.ingest.limits import Limits
from sentinel.ingest.merge import Watermarks, merge

__all__ = [
    "Decoded",
    "EventIds",
    "Limits",
    "Watermarks",
    "decode",
    "decode_responses",
    "decode_silences",
    "merge",
    "places",
]
