"""Who is paged for an alert: the routing tree, whose semantics are Alertmanager's.

The root matches every alert.  Of a route's children the first that matches handles it, and
the following too if that one has ``continue``; if none matches, the route itself handles it.
What a route does not set is inherited from its parent.  Other than in Alertmanager, ``hours`` are a
condition like the matchers: outside them the next route is asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sentinel.model.hours import Weekly
from sentinel.model.matcher import Matcher, all_match


@dataclass(frozen=True, slots=True)
class Rung:
    """Channels that are paged if there is no response after so long."""

    after_ms: int
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree; ``ladder``, ``quiet`` and ``fallback`` are its own or inherited.

    In ``quiet`` hours pages that are not red wait until these are over.  The channels of
    ``fallback`` are paged when a channel of the ladder does not deliver a page.
    """

    name: str
    matchers: tuple[Matcher, ...]
    hours: Weekly | None
    goes_on: bool
    ladder: tuple[Rung, ...]
    quiet: Weekly | None
    routes: tuple["Route", ...]
    fallback: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str], moment_ms: int) -> bool:
        """Whether the route's own conditions hold."""
        on = self.hours is None or self.hours.is_on(moment_ms)
        return on and all_match(self.matchers, labels)

    def matching(self, labels: Mapping[str, str], moment_ms: int) -> list["Route"]:
        """The deepest routes that handle an alert which this one matches, in order."""
        found: list[Route] = []
        for route in self.routes:
            if route.matches(labels, moment_ms):
                found += route.matching(labels, moment_ms)
                if not route.goes_on:
                    break
        return found or [self]

    @property
    def channels(self) -> set[str]:
        """Every channel that the route pages itself."""
        return {*self.fallback, *(name for rung in self.ladder for name in rung.channels)}

    def walk(self) -> Iterator["Route"]:
        """The route itself and all below it."""
        yield self
        for route in self.routes:
            yield from route.walk()


def unreachable(root: Route) -> list[tuple[Route, Route]]:
    """Routes that never match, each with the earlier sibling that handles all their alerts.

    A sibling does if it does not continue, has no hours, and each of its matchers is also
    one of the later route's.
    """
    found = []
    for parent in root.walk():
        for n, route in enumerate(parent.routes):
            for earlier in parent.routes[:n]:
                wider = set(earlier.matchers) <= set(route.matchers)
                if wider and not earlier.goes_on and earlier.hours is None:
                    found.append((route, earlier))
                    break
    return found
