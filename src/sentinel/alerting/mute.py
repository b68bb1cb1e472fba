"""Mutes: matchers with times at which they suppress, from configuration or by people."""

from dataclasses import dataclass
from typing import Protocol

from sentinel.model.alert import Suppression
from sentinel.model.matcher import Matcher


class Times(Protocol):
    """When a mute is on."""

    def is_on(self, moment_ms: int) -> bool:
        """Whether it is on at the moment."""
        ...

    def next_change_ms(self, moment_ms: int) -> int | None:
        """The first moment after this one at which it may go on or off; None: never again."""
        ...


@dataclass(frozen=True, slots=True)
class Mute:
    """While it is on, alerts that all its matchers match are suppressed; red ones if ``of_red``."""

    reason: Suppression
    name: str
    matchers: tuple[Matcher, ...]
    times: Times
    of_red: bool = True
