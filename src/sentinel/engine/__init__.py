"""The engine: a configuration, the stages that it makes, the step that goes through them."""

from sentinel.engine.configuration import Configuration
from sentinel.engine.engine import Engine, digest_of
from sentinel.engine.outcome import Emitted, Gauges, Outcome
from sentinel.engine.stages import Stages
from sentinel.engine.warm_up import warm_up

__all__ = [
    "Configuration",
    "Emitted",
    "Engine",
    "Gauges",
    "Outcome",
    "Stages",
    "digest_of",
    "warm_up",
]
