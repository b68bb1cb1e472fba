"""The work of ``sentinel deadletter replay``: choose letters, mend, judge and send them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sentinel.cli.clock import wall_ms
from sentinel.kafka.closing import Closing
from sentinel.kafka.letter_topic import LetterError, LetterTopic
from sentinel.kafka.reader import Advance
from sentinel.kafka.registry import open_registry
from sentinel.kafka.resend import Mended, Resender
from sentinel.kafka.topics import Topics
from sentinel.model.events import Stream
from sentinel.model.letter import Letter, RecordPosition, WholeLetter
from sentinel.replay.repair import MendedEvent, Repairer, StaysError, ToJson, stream_of
from sentinel.settings import Settings

_BATCH_LETTERS = 500
_BATCH_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome for a letter: its events if it is sent, else why it stays a dead letter."""

    letter: Letter
    events: Sequence[MendedEvent] = ()
    stays: str = ""
    dry_run: bool = False


@dataclass(slots=True)
class Counts:
    """How many letters were sent, stay, and had been sent before.

    ``late`` of the sent ones have an event that is too late to raise an alert.
    """

    sent: int = 0
    late: int = 0
    stay: int = 0
    repaired: int = 0
    dry_run: bool = False


@dataclass(slots=True)
class _Batch:
    mended: list[Mended] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    n_bytes: int = 0


class Replay(Closing):
    """One replay of dead letters; use it as a context.  Raises LetterError and SettingsError."""

    def __init__(
        self,
        settings: Settings,
        make: Callable[[ToJson], Repairer],
        by: str,
        *,
        dry_run: bool,
    ) -> None:
        topics = Topics(settings.topic_prefix)
        self._inputs = {topics.inputs[stream]: stream for stream in Stream}
        self._repairer = make(_reader(settings))
        self._resender = None if dry_run else Resender(settings, by)
        self._topic = LetterTopic(settings)
        self._letters: list[Letter] = []
        self._known: set[RecordPosition] = set()
        self.counts = Counts(dry_run=dry_run)

    def close(self) -> None:
        """Disconnect."""
        self._topic.close()

    def choose(
        self, wanted: Callable[[Letter], bool], since_ms: int | None, most: int, advance: Advance
    ) -> None:
        """Find the letters that are to be sent; raises LetterError.

        Earlier senders are fenced first, so that none marks a letter after it was read here.
        """
        if self._resender is not None:
            self._resender.start()
        found = self._topic.letters(wanted, since_ms, most, advance)
        if found.dropped:
            raise LetterError(
                f"more than {most:,} letters: choose fewer by --since, --topic or --reason"
            )
        self._letters = [each for each in found.letters if each.repair is None]
        self._known = {each.position for each in found.letters}
        self.counts.repaired = found.repaired

    def require(self, positions: Iterable[RecordPosition]) -> None:
        """Raise LetterError unless all letters that were named are there."""
        for position in positions:
            if position not in self._known:
                raise LetterError(f"there is no dead letter {position} among those chosen")

    def results(self, advance: Advance) -> Iterator[Result]:
        """Mend, judge and send the letters in batches; raises LetterError."""
        batch = _Batch()
        can_be_sent: list[Letter] = []
        for letter in self._letters:
            try:
                stream_of(letter, self._inputs)
            except StaysError as error:
                yield self._stays(letter, error)
            else:
                can_be_sent.append(letter)
        for done, whole in enumerate(self._topic.whole(can_be_sent), 1):
            try:
                events = self._events(whole)
            except StaysError as error:
                yield self._stays(whole.letter, error)
            else:
                batch.results.append(Result(whole.letter, events, dry_run=self.counts.dry_run))
                pairs = [(each.customer_id.encode(), each.value) for each in events]
                batch.mended.append(Mended(whole.letter, pairs))
                batch.n_bytes += sum(len(value) for _, value in pairs)
            advance(done, len(can_be_sent))
            if len(batch.mended) >= _BATCH_LETTERS or batch.n_bytes >= _BATCH_BYTES:
                yield from self._send(batch)
                batch = _Batch()
        yield from self._send(batch)

    def _events(self, whole: WholeLetter) -> list[MendedEvent]:
        stream = stream_of(whole.letter, self._inputs)
        return self._repairer.events(whole, stream, wall_ms())

    def _stays(self, letter: Letter, error: StaysError) -> Result:
        self.counts.stay += 1
        return Result(letter, stays=str(error), dry_run=self.counts.dry_run)

    def _send(self, batch: _Batch) -> list[Result]:
        # A customer's records keep their order.
        batch.mended.sort(key=lambda each: each.letter.position)
        if batch.mended and self._resender is not None:
            self._resender.send(batch.mended)
        self.counts.sent += len(batch.results)
        self.counts.late += sum(any(e.is_late for e in each.events) for each in batch.results)
        return batch.results


def _reader(settings: Settings) -> ToJson:
    """How values in Avro are read, where there is a registry; raises SettingsError."""
    registry = open_registry(settings)
    if registry is None:
        return lambda _, value: value

    def to_json(topic: str, value: bytes) -> bytes:
        try:
            return registry.value_to_json(topic, value)
        except Exception as error:  # noqa: BLE001 - many, while the registry does not answer
            raise LetterError(f"{settings.schema_registry}: {error}") from None

    return to_json
