"""Bugs that others and we have had, to put back one at a time.

Each names the row of the suite that must then fail.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sentinel.engine import Emitted, Engine, Outcome
from sentinel.ingest import append_time
from sentinel.model.step import Step
from sentinel.shard.inbox import _Buffer
from sentinel.shard.shard import Shard
from sentinel.shard.sink import Sink
from sentinel.shard.stepper import CommittedStep, Stepper


@dataclass(frozen=True)
class Mutation:
    """A bug, how it comes back into this process, and the row that finds it."""

    row: str
    put_back: Callable[[], None]


def _ack_in_finally() -> None:
    """A step that failed is acked and the next one taken."""
    process = Stepper.process

    def careless(self: Stepper, *more: Any) -> CommittedStep | None:
        try:
            return process(self, *more)
        except Exception:  # noqa: BLE001 - that is the bug
            self._sink._producer._producer.abort_transaction(10)  # type: ignore[attr-defined]
            return None

    Stepper.process = careless  # type: ignore[assignment, method-assign]


def _decode_error_acked() -> None:
    """What cannot be decoded is acked and nowhere to be found."""
    write = Sink.write

    def forgetful(self: Sink, emitted: Emitted, *more: Any) -> Any:
        emitted.dead_letters = []
        return write(self, emitted, *more)

    Sink.write = forgetful  # type: ignore[assignment, method-assign]


def _position_from_group() -> None:
    """Where to go on is asked of the consumer group alone."""
    recovered = Shard._recovered

    async def trusting(self: Shard) -> Any:
        stepper = await recovered(self)
        stepper.state.applied.clear()
        return stepper

    Shard._recovered = trusting  # type: ignore[method-assign]


def _no_fencing() -> None:
    """Each process writes under a transactional id of its own."""
    start = Sink.__init__

    def lonely(self: Sink, settings: Any, *more: Any) -> None:
        own = msgspec.structs.replace(settings, app_id=f"{settings.app_id}-{os.getpid()}")
        start(self, own, *more)

    Sink.__init__ = lonely  # type: ignore[assignment, method-assign]


def _wall_clock_moves_the_alert_clock() -> None:
    """After a step stream time is now, whatever has not been read yet."""
    process = Engine.process

    def hasty(self: Engine, step: Step) -> Outcome:
        return process(self, replace(step, stream_ms=step.wall_ms or step.stream_ms))

    Engine.process = hasty  # type: ignore[method-assign]


def _timestamps_believed() -> None:
    """A timestamp counts as long as it is not of the future."""
    append_time._borne_out = lambda times: times
    _Buffer.settled_ms = lambda self: self.reached_ms  # type: ignore[method-assign]


MUTATIONS = {
    "ack_in_finally": Mutation("exception", _ack_in_finally),
    "decode_error_acked": Mutation("poison", _decode_error_acked),
    "position_from_group": Mutation("after_commit", _position_from_group),
    "no_fencing": Mutation("sigstop", _no_fencing),
    "wall_clock_moves_the_alert_clock": Mutation("outage_3d", _wall_clock_moves_the_alert_clock),
    "timestamps_believed": Mutation("outage_hostile", _timestamps_believed),
}


def put_back(name: str) -> None:
    """Put one back into this process."""
    MUTATIONS[name].put_back()
