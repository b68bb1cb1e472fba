"""A topic: what customers suddenly complain of."""

from msgspec import Struct


class Topic(Struct, frozen=True):
    """A term that rises: its complaints since ``since_ms``, and the ids of the newest few.

    ``term`` is a word or two neighbours, ``rise`` how many times more often than before it comes
    up, ``since_ms`` and ``newest_ms`` are event times (ms UTC).
    """

    term: str
    since_ms: int
    newest_ms: int
    complaints: int
    rise: float
    examples: tuple[str, ...]
