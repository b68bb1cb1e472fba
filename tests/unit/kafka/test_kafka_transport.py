"""What the consumer thread tells others of how far it is."""

from typing import Any, cast

from faust.types import TP

from sentinel.kafka.transport import ChunkThread

PLACE = TP("t", 0)


def _thread() -> tuple[ChunkThread, list[int]]:
    """A thread without a consumer, and at each move of the position how much is on its way."""
    thread = cast("Any", object.__new__(ChunkThread))
    thread._handed_over, seen = {}, list[int]()

    class Watched(dict[TP, int]):
        def __setitem__(self, partition: TP, reached: int) -> None:
            seen.append(thread._handed_over[partition])
            super().__setitem__(partition, reached)

    thread._reached = Watched()
    return thread, seen


def test_what_is_on_its_way_is_told_before_the_position() -> None:
    """Else a shard could take an input for read to its end while its last chunk is on its way."""
    thread, seen = _thread()
    assert thread._span(PLACE, 0, 50, has_records=True) == (0, 50)
    assert thread._span(PLACE, 50, 60, has_records=False) == (50, 60)  # ends of transactions
    assert thread._span(PLACE, 60, 90, has_records=True) == (50, 90)
    assert thread._span(PLACE, 40, 45, has_records=True) == (40, 45)  # somebody moved it back
    assert seen == [50, 50, 90, 45]
    assert (thread.reached(PLACE), thread.handed_over(PLACE)) == (45, 45)
