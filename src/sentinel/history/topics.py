"""The topics that history reads, and how their records are read."""

from collections.abc import Callable, Mapping

import msgspec

from sentinel.history.records import Record
from sentinel.kafka.registry import action_reader, alert_reader, outcome_reader
from sentinel.kafka.topics import Topics
from sentinel.model.reading import check_levels
from sentinel.model.response import Response
from sentinel.model.signature import payload_of
from sentinel.settings import Settings

_RESPONSES = msgspec.json.Decoder(Response)


def readers(settings: Settings) -> Mapping[str, Callable[[bytes], Record]]:
    """By topic what makes a record of a value, or raises one of UNREADABLE."""
    topics = Topics(settings.topic_prefix)
    return {
        topics.alerts: alert_reader(settings),
        topics.actions: action_reader(settings),
        topics.responses: _response,
        topics.response_results: outcome_reader(settings),
    }


def _response(value: bytes) -> Response:
    """A response as it was sent.

    Its signature is the engine's to verify: here it only says what somebody sent.
    """
    payload = payload_of(value)
    check_levels(payload)
    return _RESPONSES.decode(payload)
