"""Reading a silence: one check for the engine, and for people before they write one."""

import msgspec
from msgspec.structs import replace

from sentinel.model.events import epoch_ms
from sentinel.model.response import Silence
from sentinel.model.selection import parse_alert_matcher, refuse_contradiction

_SILENCES = msgspec.json.Decoder(Silence)


def read_silence(value: bytes) -> Silence:
    """The silence in a record of the silences topic, its times as epoch ms.

    Raises ValueError for one that cannot be applied: not JSON, not of the schema, over before it
    starts, or with a matcher that no alert satisfies; RecursionError for JSON nested too deep.
    """
    silence = _SILENCES.decode(value)
    starts_at, ends_at = epoch_ms(silence.starts_at), epoch_ms(silence.ends_at)
    if starts_at > ends_at:
        raise ValueError("it ends before it starts")
    refuse_contradiction(parse_alert_matcher(text) for text in silence.matchers)
    return replace(silence, starts_at=starts_at, ends_at=ends_at)
