"""Recovery: the state of an uncrashed shard, or a clear refusal."""

import re
from collections.abc import Callable

import msgspec
import pytest
from tests.simulation.log import LogHistory
from tests.simulation.world import World

from sentinel.shard.journal import decode, encode
from sentinel.shard.recovery import RecoveryError, ShardState, recover


def _world(turns: int = 60) -> World:
    """A history without snapshots."""
    world = World(seed=5)
    world.run(turns)
    world.log.snapshots.clear()
    assert len(world.log.journal) > 12
    return world


def _recover(world: World, *, forgiving: bool = False) -> ShardState:
    return recover(
        LogHistory(world.log),
        world.log.configurations[0],
        lambda *_: None,
        forgiving=forgiving,
    )


def test_progress_ends_at_one() -> None:
    """What is told of the way is how much of the journal is done."""
    world, told = _world(), list[tuple[int, int]]()
    state = recover(
        LogHistory(world.log), world.log.configurations[0], lambda *way: told.append(way)
    )
    assert state.replayed == len(told) == len(world.log.journal)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1][0] / told[-1][1] > 0.9


def _no_first_step(world: World) -> None:
    del world.log.journal[0]


def _a_step_missing(world: World) -> None:
    del world.log.journal[5]


def _other_output(world: World) -> None:
    offset, value = world.log.journal[5]
    record = msgspec.structs.replace(decode(value), output_digest="00")
    world.log.journal[5] = offset, encode(record)


def _left_otherwise(world: World) -> None:
    offset, value = world.log.journal[0]
    record = msgspec.structs.replace(decode(value), state_digest="00")
    world.log.journal[0] = offset, encode(record)


def _inputs_gone(world: World) -> None:
    for entries in world.log.inputs.values():
        del entries[: len(entries) // 2]


def _configuration_gone(world: World) -> None:
    offset, value = world.log.journal[5]
    record = msgspec.structs.replace(decode(value), config_version="gone")
    world.log.journal[5] = offset, encode(record)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_no_first_step, "the journal continues with step 1 instead of 0; run `sentinel recover"),
        (_a_step_missing, "the journal continues with step 6 instead of 5"),
        (_other_output, "step 5 has another output than when it was processed"),
        (_left_otherwise, "step 0 leaves another state than when it was processed"),
        (_inputs_gone, "that are no longer retained"),
        (_configuration_gone, "gone"),
    ],
)
def test_what_does_not_give_the_state_again_is_refused(
    harm: Callable[[World], None], message: str
) -> None:
    """The shard stops with a clear error; a rebuild that forgives goes on and counts."""
    world = _world()
    harm(world)
    with pytest.raises(RecoveryError, match=re.escape(message)):
        _recover(world)
    rebuilt = _recover(world, forgiving=True)
    assert rebuilt.replayed == len(world.log.journal)
    assert rebuilt.next_number == decode(world.log.journal[-1][1]).number + 1
