"""Dead letters put right: the events of a letter's value, as it is or by a mapping file.

A result is judged as ingest judges a record that is appended now.  What is no event stays a dead
letter.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from sentinel.ingest import Limits, decode
from sentinel.ingest.records import READERS
from sentinel.model.columns import FIELDS
from sentinel.model.events import Stream, epoch_ms
from sentinel.model.letter import Letter, WholeLetter
from sentinel.model.step import Chunk
from sentinel.replay.block import ReplayError, Skip
from sentinel.replay.fields import ROW
from sentinel.replay.line_blocks import BLOCK_BYTES
from sentinel.replay.mapping import Mapping as FieldMapping
from sentinel.replay.recode import Peeked, Reads, Recoded
from sentinel.replay.render import Renderer
from sentinel.replay.tables import Table, json_table, log_table

ToJson = Callable[[str, bytes], bytes]
"""A topic's value as JSON, if it is something else that can be read."""


class StaysError(Exception):
    """A letter cannot be sent again; the message is the reason."""


@dataclass(frozen=True, slots=True)
class MendedEvent:
    """An event that replaces a dead letter; where it ``is_late``, it raises no alert."""

    event_id: str
    customer_id: str
    value: bytes
    is_late: bool


def stream_of(letter: Letter, inputs: Mapping[str, Stream]) -> Stream:
    """The stream of a letter that can be sent again; raises StaysError.

    ``inputs`` are the streams of the topics of events.
    """
    topic = letter.position.topic
    stream = inputs.get(topic)
    if stream is None:
        raise StaysError(f"{topic} is no topic of events: its records are not sent again")
    if not letter.value_bytes:
        raise StaysError("the record has no value")
    if letter.is_cut:
        raise StaysError(f"the record has {letter.value_bytes} bytes, and the letter is cut")
    return stream


class Repairer:
    """Makes events of dead letters: of their values as they are, or by a mapping.

    Raises ReplayError for a mapping that numbers rows: letters have no numbers.
    """

    def __init__(
        self,
        mapping: FieldMapping | None,
        limits: Limits,
        to_json: ToJson = lambda _, value: value,
    ) -> None:
        if mapping is not None and _counts_rows(mapping):
            raise ReplayError("a mapping for dead letters has no {row} and no sequence")
        self._mapping, self._limits, self._to_json = mapping, limits, to_json
        self._letter_ms = 0  # of the letter at hand, for times without a year
        self._renderer = Renderer(mapping, lambda: self._letter_ms) if mapping else None

    def events(self, whole: WholeLetter, stream: Stream, now_ms: int) -> list[MendedEvent]:
        """The events that replace a letter, appended at ``now_ms``; raises StaysError."""
        value, topic = whole.value or b"", whole.letter.position.topic
        readable = self._to_json(topic, value)
        if self._mapping is None:
            values, judged = [value], [readable]
        else:
            values = judged = self._mapped(whole.letter, readable, stream)
        self._judge(whole.letter, stream, judged, now_ms)
        found = []
        for kept, read in zip(values, judged, strict=True):
            event = READERS[stream](read)
            is_late = epoch_ms(event.event_time) < now_ms - self._limits.lateness_ms
            found.append(MendedEvent(event.event_id, event.customer_id, kept, is_late))
        return found

    def _mapped(self, letter: Letter, value: bytes, stream: Stream) -> list[bytes]:
        """The rows of a value as event JSON, one or more; raises StaysError."""
        mapping, renderer = self._mapping, self._renderer
        if mapping is None or renderer is None or mapping.stream is not stream:
            made = mapping.stream if mapping else "nothing"
            raise StaysError(f"the mapping makes a {made}, the topic is of {stream}s")
        self._letter_ms = letter.at_ms
        lines: list[bytes] = []
        unwanted = 0
        try:
            for rows in _table(value, mapping).read(mapping.columns()):
                rendered = renderer.render(rows)
                if rendered.refused:
                    raise StaysError(f"malformed: {rendered.refused[0].detail}")
                lines += rendered.lines
                unwanted += rendered.unwanted
        except ReplayError as error:
            raise StaysError(str(error)) from None
        if unwanted or not lines:
            raise StaysError("the mapping's `only` leaves it out" if unwanted else "it has no row")
        return lines

    def _judge(self, letter: Letter, stream: Stream, values: list[bytes], now_ms: int) -> None:
        """Raise StaysError unless ingest accepts all values as records appended at ``now_ms``."""
        n, position = len(values), letter.position
        chunk = Chunk(
            stream,
            position.topic,
            position.partition,
            offsets=list(range(n)),
            recorded_ms=[now_ms] * n,
            keys=[None] * n,
            values=list(values),
        )
        refused = decode(stream, [chunk], self._limits, frozenset(FIELDS[stream])).dead_letters
        if refused:
            raise StaysError(f"{refused[0].reason}: {refused[0].detail}")


def _counts_rows(mapping: FieldMapping) -> bool:
    groups = {name for pattern in mapping.patterns for name in pattern.groupindex}
    by_number = any(field.sequence is not None for field in mapping.fields.values())
    return by_number or (ROW in mapping.columns() and ROW not in groups)


def _table(value: bytes, mapping: FieldMapping) -> Table:
    """A record's value as a file of rows: one JSON value, or the lines of a log."""
    file: Reads = BytesIO(value)
    if mapping.encoding is not None:
        file = Recoded(file, mapping.encoding)
    skipped: Counter[Skip] = Counter()
    peeked = Peeked(file, BLOCK_BYTES)
    if mapping.patterns:
        return log_table(peeked, mapping.patterns, mapping.encoding, skipped)
    text = b"".join(iter(partial(peeked.read, BLOCK_BYTES), b""))
    if not text.startswith(b"["):  # an object may be spread over lines, which a file's may not
        text = b"[" + text + b"]"
    return json_table(Peeked(BytesIO(text), BLOCK_BYTES), mapping.root, mapping.decimal, skipped)
