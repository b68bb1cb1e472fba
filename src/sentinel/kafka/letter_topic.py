"""Reads the dead letter topic: its letters, their values, and which have been sent again."""

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from confluent_kafka import KafkaException, Message

from sentinel.kafka.closing import Closing
from sentinel.kafka.ends import Ends
from sentinel.kafka.letters import is_marker, read_headers, read_key, read_letter, repairer
from sentinel.kafka.reader import Advance, NoAnswerError, Reader
from sentinel.kafka.topics import StartupError, Topics, describe
from sentinel.model.letter import Letter, RecordPosition, Repair, WholeLetter
from sentinel.settings import Settings

_SILENCE_S = 75.0  # a worker that was killed leaves its transaction open for a minute
_FETCH = 100  # letters of up to 2 MiB
_QUEUE_KIB = 32 << 10


class LetterError(Exception):
    """The dead letters cannot be read or sent again; the message is one line for the user."""


@dataclass(slots=True)
class Letters:
    """The newest letters that were selected, oldest first, and counts of all of them.

    ``counts`` is by reason and source topic; ``dropped`` are the older ones beyond the limit.
    """

    letters: list[Letter] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    repaired: int = 0
    dropped: int = 0


def selection(
    reason: str | None = None, topic: str | None = None, positions: Collection[RecordPosition] = ()
) -> Callable[[Letter], bool]:
    """A filter of letters by reason, topic and position; None and empty match all."""
    among = frozenset(positions)

    def is_wanted(letter: Letter) -> bool:
        return (
            reason in (None, letter.reason)
            and topic in (None, letter.position.topic)
            and (not among or letter.position in among)
        )

    return is_wanted


class LetterTopic(Closing):
    """A connection to the dead letter topic; use it as a context.

    Raises LetterError if no broker answers, or the topic does not exist.
    """

    def __init__(self, settings: Settings) -> None:
        self._topic, self._brokers = Topics(settings.topic_prefix).deadletter, settings.brokers
        try:
            present = describe(settings)
        except StartupError as error:
            raise LetterError(str(error)) from None
        if self._topic not in present:
            raise LetterError(
                f"there is no topic {self._topic} at {self._brokers}, or we may not see it"
            )
        self._partitions = present[self._topic]
        self._ends = Ends(settings)
        self._reader = Reader(
            settings,
            "answers",
            self._topic,
            {"queued.max.messages.kbytes": _QUEUE_KIB},
            fetch=_FETCH,
            silence_s=_SILENCE_S,
        )

    def close(self) -> None:
        """Disconnect."""
        self._reader.close()

    def letters(
        self,
        wanted: Callable[[Letter], bool],
        since_ms: int | None,
        most: int,
        advance: Advance = lambda _, __: None,
    ) -> Letters:
        """The newest ``most`` letters that are wanted; O(``most``) memory.  Raises LetterError.

        All letters since then are read, up to where the topic ends as the reading starts, and
        what is in open transactions there is waited for: a marker must not be overlooked.
        """
        found, kept = Letters(), dict[RecordPosition, Letter]()
        oldest: list[tuple[int, RecordPosition]] = []
        starts, ends = self._range(since_ms)
        for message in self._messages(starts, ends, advance):
            headers = read_headers(message.headers())
            at_ms = message.timestamp()[1]
            if is_marker(headers):  # it stands behind its letter
                position = read_key(message.key())
                if position in kept and kept[position].repair is None:
                    kept[position] = replace(
                        kept[position], repair=Repair(at_ms, repairer(headers))
                    )
                    found.repaired += 1
                continue
            spot = message.partition(), message.offset()
            letter = read_letter(message.key(), message.value(), headers, spot, at_ms)
            if letter is None or not wanted(letter) or letter.position in kept:
                continue
            found.counts[letter.reason, letter.position.topic] += 1
            kept[letter.position] = letter
            heapq.heappush(oldest, (at_ms, letter.position))
            if len(kept) > most:
                del kept[heapq.heappop(oldest)[1]]
                found.dropped += 1
        found.letters = sorted(kept.values(), key=lambda each: (each.at_ms, each.position))
        return found

    def whole(
        self, letters: Iterable[Letter], advance: Advance = lambda _, __: None
    ) -> Iterator[WholeLetter]:
        """The letters with their values, by partition and offset; raises LetterError."""
        by_spot = {each.spot: each for each in letters}
        starts: dict[int, int] = {}
        ends: dict[int, int] = {}
        for number, offset in sorted(by_spot):
            starts.setdefault(number, offset)
            ends[number] = offset + 1
        for number, start in starts.items():
            for message in self._messages({number: start}, {number: ends[number]}, advance):
                letter = by_spot.pop((message.partition(), message.offset()), None)
                if letter is not None:
                    yield WholeLetter(letter, message.value(), read_headers(message.headers()))
        if by_spot:
            gone = min(by_spot.values(), key=lambda each: each.at_ms).position
            raise LetterError(f"{self._topic} has deleted letter {gone} meanwhile")

    def _range(self, since_ms: int | None) -> tuple[dict[int, int], dict[int, int]]:
        """The start and the end of what to read of each partition; raises LetterError."""
        topic = self._topic
        partitions = [(topic, number) for number in range(self._partitions)]
        firsts, ends = self._ends.first(partitions), self._ends.whole(partitions)
        if not firsts.keys() == ends.keys() == set(partitions):
            raise LetterError(f"{topic}: {self._brokers} did not answer where it ends")
        if since_ms is not None:
            try:
                found = self._reader.since([number for _, number in partitions], since_ms)
            except KafkaException as error:
                raise LetterError(f"{topic} at {self._brokers}: {error.args[0].str()}") from None
            for number, offset in found.items():
                firsts[topic, number] = offset if offset >= 0 else ends[topic, number]
        return {n: firsts[topic, n] for _, n in partitions}, {
            n: ends[topic, n] for _, n in partitions
        }

    def _messages(
        self, starts: Mapping[int, int], ends: Mapping[int, int], advance: Advance
    ) -> Iterator[Message]:
        """Committed messages of some partitions, each in order from its start to its end."""
        try:
            yield from self._reader.read(starts, ends, waits=True, advance=advance)
        except KafkaException as error:
            raise LetterError(f"{self._topic}: {error.args[0].str()}") from None
        except NoAnswerError:
            raise LetterError(
                f"{self._topic} at {self._brokers}: nothing for {_SILENCE_S:.0f} s, though "
                "there is more: is a transaction open?"
            ) from None
