"""The topics that history reads, and how their records are read."""

from collections.abc import Callable, Mapping

import msgspec

from sentinel.complaints.policy import Policy, read_policy
from sentinel.engine import Configuration
from sentinel.history.complaints import ComplaintStep
from sentinel.history.dead_letters import read_dead_letter
from sentinel.history.records import Record
from sentinel.ingest import decode
from sentinel.kafka.records import Fetched
from sentinel.kafka.registry import action_reader, alert_reader, open_registry, outcome_reader
from sentinel.kafka.topics import Topics
from sentinel.model.events import Complaint, Stream
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


def whole_readers(
    settings: Settings, configuration: Configuration
) -> Mapping[str, Callable[[Fetched, int], Record]]:
    """By topic what makes a record of a row of a fetch, or raises one of UNREADABLE."""
    topics = Topics(settings.topic_prefix)
    return {
        topics.inputs[Stream.COMPLAINT]: _complaint_reader(settings, configuration),
        topics.deadletter: read_dead_letter,
    }


def complaint_policy(configuration: Configuration) -> Policy:
    """What sets the deadlines of complaints."""
    zone = configuration.bounds.local_time.zone
    return read_policy(configuration.documents["complaints.yaml"], zone)


def _complaint_reader(
    settings: Settings, configuration: Configuration
) -> Callable[[Fetched, int], Record]:
    """How complaints are read: what ingest refuses is no event here, either."""
    limits, registry = configuration.bounds.ingest, open_registry(settings)
    policy = complaint_policy(configuration)

    def read(fetched: Fetched, row: int) -> Record:
        chunk = fetched.part(row, row + 1).after(Stream.COMPLAINT, -1)
        assert chunk is not None  # noqa: S101 - it has one record
        if registry is not None:
            chunk = registry.to_json(chunk)
        decoded = decode(Stream.COMPLAINT, [chunk], limits, frozenset())
        if decoded.dead_letters:
            raise ValueError(decoded.dead_letters[0].reason)
        event = decoded.events[0]
        assert isinstance(event, Complaint)  # noqa: S101 - it is what the stream has
        return ComplaintStep(event, policy)

    return read


def _response(value: bytes) -> Response:
    """A response as it was sent.

    Its signature is the engine's to verify: here it only says what somebody sent.
    """
    payload = payload_of(value)
    check_levels(payload)
    return _RESPONSES.decode(payload)
