"""A Faust transport of chunks: one event for all records that a fetch returns of a partition.

Faust's per-message path costs more than the engine (55–65 µs an event).
This transport leaves group membership, assignment and flow control to Faust and only
changes what counts as a message.  The contract test compares it with Faust's own.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import FetchResult
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from sentinel.kafka.broadcast import BUILT_IN_WAIT_MS
from sentinel.kafka.paced_fetch import paced
from sentinel.kafka.records import Fetched, Record, from_aiokafka
from sentinel.kafka.repeated_fetch import repeated

_FETCH_WAIT_MS = 200
_ROOM_S = 0.05  # how soon to look again whether a shard has room
FETCH_BYTES = 16 << 20
"""At most so much of a partition at once; the cost of a fetch does not depend on its size."""


class RecordChunk:
    """The records of a partition in a fetch; for Faust it is one record at the last offset."""

    timestamp_type = 0
    headers: Sequence[Any] = ()
    key = None
    checksum = None
    serialized_key_size = 0
    serialized_value_size = 0

    def __init__(self, value: Fetched) -> None:
        self.topic, self.partition = value.topic, value.partition
        self.offset, self.timestamp = value.offsets[-1], value.recorded_ms[-1]
        self.value = value


class ChunkThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, which turns records into chunks before they leave it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reached: dict[TP, int] = {}
        self._handed_over: dict[TP, int] = {}

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Hides the aborted transactions of producers; Faust sets this only under
        # processing_guarantee=exactly_once.
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        # A broker answers as soon as it has data; librdkafka's built-in one only after this.
        wait_ms = BUILT_IN_WAIT_MS if self.consumer.repeats_fetches else _FETCH_WAIT_MS
        consumer._fetch_max_wait_ms = wait_ms  # noqa: SLF001
        client = consumer._client  # noqa: SLF001
        if self.consumer.repeats_fetches:
            client.send = repeated(client.send)
        client.send = paced(client.send, self.consumer.events)
        return consumer

    async def _fetch_records(self, consumer: AIOKafkaConsumer, *args: Any, **kwargs: Any) -> Any:
        chunked = self.consumer.chunked
        for tp, result in consumer._fetcher._records.items():  # noqa: SLF001
            if tp.topic in chunked and type(result) is FetchResult:
                _leave_bare(result)
        before = {tp: _position(consumer, tp) for tp in args[0] if tp.topic in chunked}
        records = await super()._fetch_records(consumer, *args, **kwargs)
        for tp, position in before.items():
            mine = records.get(tp)
            span = self._span(tp, position, _position(consumer, tp), has_records=bool(mine))
            if mine:
                asked = tp.topic in self.consumer.with_headers
                fetched = from_aiokafka(tp.topic, tp.partition, span, mine, with_headers=asked)
                records[tp] = [RecordChunk(fetched)]
        return records

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the group's committed offsets, or to the beginning without one.

        Faust calls it after it has dropped fetched records.  aiokafka leaves a partition
        without a commit where it is, behind those records.
        """
        committed: Mapping[TP, int | None] = await super().seek_to_committed()
        unread = [
            tp for tp, at in committed.items() if not at and tp.topic in self.consumer.chunked
        ]
        if unread:
            await self.call_thread(self._ensure_consumer().seek_to_beginning, *unread)
        return cast("Mapping[TP, int]", committed)

    def reached(self, tp: TP) -> int:
        """The offset up to which a partition has been fetched."""
        return self._reached.get(tp, 0)

    def handed_over(self, tp: TP) -> int:
        """The offset up to which a partition's records have left in chunks."""
        return self._handed_over.get(tp, 0)

    def stable_end(self, tp: TP) -> int | None:
        """Up to where a partition had something to read at the last fetch; None if not known."""
        consumer = self._consumer
        assignment = consumer and consumer._subscription.subscription.assignment  # noqa: SLF001
        if not assignment or tp not in assignment.tps:
            return None
        state = assignment.state_value(tp)
        end = state.highwater if state.lso is None else state.lso  # an old broker has no other
        return cast("int | None", end)

    def _span(self, tp: TP, before: int, after: int, *, has_records: bool) -> tuple[int, int]:
        """From where on a fetch brings all that there is, and up to where.

        That is from the end of what was handed over last, unless the position was moved:
        positions also pass what holds no records of ours, such as aborted ones.

        What is on its way is noted before the position, which other threads read: were it the other
        way round an input could count as read to its end before its last records have arrived.
        """
        if before != self._reached.get(tp):
            self._handed_over[tp] = before
        start = self._handed_over[tp]
        if has_records:
            self._handed_over[tp] = after
        self._reached[tp] = after
        return start, after


def _position(consumer: AIOKafkaConsumer, tp: TP) -> int:
    """The offset that is fetched next; 0 while it is not known."""
    assignment = consumer._subscription.subscription.assignment  # noqa: SLF001
    if assignment is None or tp not in assignment.tps:
        return 0
    state = assignment.state_value(tp)
    return cast("int", state.position) if state.has_valid_position else 0


def _leave_bare(result: FetchResult) -> None:
    """Let aiokafka return parsed records, without a wrapper with the topic around each.

    That halves the time; if aiokafka changes, wrapped records work as well.
    """
    if result.has_more():
        result._partition_records._consumer_record = _bare  # noqa: SLF001


def _bare(_: TP, record: Record) -> Record:
    return record


class ChunkConsumer(driver.Consumer):
    """Delivers the topics in ``chunked`` as chunks; acks move a partition to the last of them.

    Only partitions for which ``wants`` is true are fetched; the topics in ``events`` set the pace,
    see :mod:`sentinel.kafka.paced_fetch`.  Chunks of the topics in ``with_headers`` have their
    records' headers.  ``repeats_fetches`` is for brokers that return one
    batch a fetch.
    """

    chunked: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    with_headers: frozenset[str] = frozenset()
    repeats_fetches = False
    wants: Callable[[str, int], bool]

    def _new_consumer_thread(self) -> ChunkThread:
        return ChunkThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def progress(self) -> "Progress":
        """How far the partitions have been fetched."""
        return Progress(self, cast("ChunkThread", self._thread))

    async def _getmany(self, active_partitions: set[TP], timeout: float) -> Any:  # noqa: ASYNC109
        wanted = {
            tp
            for tp in active_partitions
            if tp.topic not in self.chunked or self.wants(tp.topic, tp.partition)
        }
        if not wanted:
            await asyncio.sleep(_ROOM_S)
            return {}
        return await super()._getmany(wanted, timeout)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if tp.topic not in self.chunked:  # a chunk stands for all offsets up to its own
            await super()._add_gap(tp, offset_from, offset_to)

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self.chunked:
            return cast("int | None", super()._new_offset(tp))
        acked = self._acked[tp]  # shards ack in order
        if not acked:
            return None
        last: int = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return last + 1


class Progress:
    """How far a consumer's partitions have been fetched, as offsets."""

    def __init__(self, consumer: ChunkConsumer, thread: ChunkThread) -> None:
        self._consumer, self._thread = consumer, thread

    def reached(self, topic: str, partition: int) -> int:
        """Up to where a partition has been fetched."""
        return self._thread.reached(TP(topic, partition))

    def handed_over(self, topic: str, partition: int) -> int:
        """Up to where a partition's records have left in chunks."""
        return self._thread.handed_over(TP(topic, partition))

    def stable_end(self, topic: str, partition: int) -> int | None:
        """Up to where there was something to read at the last fetch; None if not known."""
        return self._thread.stable_end(TP(topic, partition))

    def highwater(self, topic: str, partition: int) -> int:
        """The partition's end at the last fetch; 0 if that is not known."""
        return cast("int", self._consumer.highwater(TP(topic, partition)) or 0)


def chunk_transport(
    app: faust.App,
    chunked: frozenset[str],
    events: frozenset[str],
    wants: Callable[[str, int], bool],
    *,
    with_headers: frozenset[str] = frozenset(),
    repeats_fetches: bool = False,
) -> driver.Transport:
    """A transport for ``app`` that delivers the named topics in chunks.

    The topics in ``events`` set the pace; records of those in ``with_headers`` come with their
    headers.  ``wants`` returns whether more of a topic's partition
    should be fetched; ``repeats_fetches`` whether a fetch is repeated up to the end of each
    partition.
    """

    class AppConsumer(ChunkConsumer):
        pass

    class AppTransport(driver.Transport):
        Consumer: type[Consumer] = AppConsumer

    AppConsumer.chunked, AppConsumer.events = chunked, events
    AppConsumer.wants = staticmethod(wants)
    AppConsumer.with_headers, AppConsumer.repeats_fetches = with_headers, repeats_fetches
    return AppTransport(app.conf.broker_consumer, app)


class ChunkSchema(faust.Schema):
    """Passes the records on as they are; ingest decodes them."""

    def compile(self, app: Any, **_: Any) -> Any:
        """The decoder that Faust calls for each message."""

        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001
            return app.create_event(None, message.value, message.headers, message)

        return decode
