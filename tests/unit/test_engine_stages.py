"""The contract of stages: whatever has state is saved, restored, carried over and counted."""

from dataclasses import fields
from functools import cache

import msgspec
import pytest
from tests.integration.stage import lively

from sentinel.engine import Configuration, Engine, Stages
from sentinel.model.events import Stream
from sentinel.model.stage import Stage
from sentinel.model.step import Chunk, Limit, Step
from sentinel.replay.loop import LoopBack
from sentinel.settings import read_configuration

STATELESS = {"entity_rules", "collector", "field_demand"}
STAGES = [each.name for each in fields(Stages) if each.name not in STATELESS]


@cache
def _configuration() -> Configuration:
    return read_configuration(None)


@cache
def _lived() -> dict[str, Stage]:
    """The stages of an engine that has seen a lively bank."""
    engine = Engine(_configuration())
    loop = LoopBack(engine)
    for number, (stream, _, value) in enumerate(lively(600, seed=7)):
        at_ms = int(msgspec.json.decode(value)["event_time"])
        chunk = Chunk(stream, stream.value, 0, [number], [at_ms], [None], [value])
        loop.process(Step(at_ms, [chunk]))
    return engine._stateful


def _fresh(name: str) -> Stage:
    return _configuration().build().stateful()[name]


def _bytes(stage: Stage) -> dict[str, bytes]:
    return {name: bytes(part) for name, part in stage.snapshot().items()}


def test_a_stage_is_stateful_or_known_to_have_no_state() -> None:
    """One that lacks a part of the contract would be left out of snapshots without a word."""
    assert list(_configuration().build().stateful()) == STAGES


@pytest.mark.parametrize("name", STAGES)
def test_a_restored_stage_is_the_same(name: str) -> None:
    """Equal states give equal bytes, and what was saved is not touched by what comes later."""
    lived, restored = _lived()[name], _fresh(name)
    saved = _bytes(lived)
    restored.restore(lived.snapshot())
    assert _bytes(restored) == saved
    restored.restore(_fresh(name).snapshot())
    assert _bytes(restored) == _bytes(_fresh(name))
    assert _bytes(lived) == saved


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_carried_to_the_same_configuration_is_the_same(name: str) -> None:
    """Nothing starts cold if nothing has changed."""
    lived, carried = _lived()[name], _fresh(name)
    saved = _bytes(lived)
    carried.carry(lived)
    assert _bytes(carried) == saved


@pytest.mark.parametrize("name", STAGES)
def test_limits_are_counted_once(name: str) -> None:
    """After a step the engine has counted, and cleared, what its stages had reached."""
    engine = Engine(_configuration())
    stage = engine._stateful[name]
    stage.limits[Limit.TTL] += 3
    assert engine.process(Step(0, [])).counts.limits[Limit.TTL] == 3
    assert not stage.limits
    assert not engine.process(Step(0, [])).counts.limits


def test_the_bank_was_lively() -> None:
    """The stages that are compared have something in them."""
    empty = {name for name in STAGES if _bytes(_lived()[name]) == _bytes(_fresh(name))}
    assert empty <= {"complaints", "alarms", "text", "label_buffer", "verdicts"}
    assert Stream.LOGIN in _lived()["position"].watermarks.known()  # type: ignore[attr-defined]
