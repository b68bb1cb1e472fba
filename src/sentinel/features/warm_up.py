"""Warm-up: which features have been fed for as long as they look back."""

from collections.abc import Sequence

import msgspec

from sentinel.features.kind import Feature


class WarmUp:
    """Since when (event time, ms) each feature has been fed."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._spans = {repr(feature.meaning): feature.span_ms for feature in features}
        self._since: dict[str, int] = {}
        self._now_ms = 0

    def feed(self, first_ms: int, newest_ms: int) -> None:
        """Note events that were processed: the time of the first of them, and the greatest."""
        self._now_ms = max(self._now_ms, newest_ms)
        if len(self._since) < len(self._spans):
            for name in self._spans:
                self._since.setdefault(name, first_ms)

    def share(self) -> float:
        """The share of the features that are warm; 1 where there are none."""
        if not self._spans:
            return 1.0
        warm = [
            name in self._since and self._now_ms - self._since[name] >= span
            for name, span in self._spans.items()
        ]
        return sum(warm) / len(warm)

    def carry(self, old: "WarmUp") -> None:
        """Features of the same meaning are as warm as they were."""
        self._now_ms = old._now_ms  # noqa: SLF001
        self._since = {name: at for name, at in old._since.items() if name in self._spans}  # noqa: SLF001

    def snapshot(self) -> bytes:
        """Since when, as bytes."""
        return msgspec.msgpack.encode((self._now_ms, sorted(self._since.items())))

    def restore(self, data: bytes) -> None:
        """Restore the state that :meth:`snapshot` returned."""
        kind = tuple[int, list[tuple[str, int]]]
        self._now_ms, since = msgspec.msgpack.decode(data, type=kind)
        self._since = dict(since)
