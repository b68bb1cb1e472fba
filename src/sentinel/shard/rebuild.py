"""Rebuild a shard that cannot be recovered exactly: from all that is left, into a snapshot."""

from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import KafkaException

from sentinel.kafka.configurations import Configurations
from sentinel.kafka.masking import read_masking
from sentinel.kafka.partition import Partition
from sentinel.kafka.producer import ProducerFatalError, TransactionAbortedError
from sentinel.kafka.reader import NoAnswerError
from sentinel.kafka.registry import Registry
from sentinel.kafka.topics import Topics
from sentinel.model.share import Share
from sentinel.settings import Settings
from sentinel.shard import snapshots
from sentinel.shard.history import KafkaHistory
from sentinel.shard.recovery import RecoveryError, recover, snapshot_of
from sentinel.shard.sink import Sink

_CATCH_UP_S = 30.0


class RebuildError(Exception):
    """The shard could not be rebuilt."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many steps were replayed, and how many of them had another output than before."""

    steps: int
    flaws: int


def rebuild(
    settings: Settings,
    share: Share,
    configurations: Configurations,
    registry: Registry | None,
    progress: Callable[[int, int], None],
) -> Rebuilt:
    """Rebuild the shard of a share and leave a snapshot; fences a worker that runs it.

    Raises RebuildError.
    """
    shard = share.number
    try:
        if not configurations.wait_caught_up(_CATCH_UP_S):
            raise RebuildError(f"no answer from {settings.brokers} for {_CATCH_UP_S:.0f} s")
        writer = snapshots.SnapshotWriter(settings, shard)
        Sink(settings, shard, read_masking(settings), registry).start()
        writer.start()
        with KafkaHistory(settings, shard, configurations, registry) as history:
            state = recover(history, configurations.current(), progress, share, forgiving=True)
        with Partition(settings, Topics(settings.topic_prefix).snapshots, shard) as partition:
            state.snapshot_number = snapshots.next_number(partition)
        writer.write(snapshot_of(state))
    except KafkaException as error:
        raise RebuildError(f"shard {shard}: {error.args[0].str()}") from None
    except (NoAnswerError, RecoveryError, ProducerFatalError, TransactionAbortedError) as error:
        raise RebuildError(f"shard {shard}: {error}") from None
    return Rebuilt(state.replayed, state.flaws)
