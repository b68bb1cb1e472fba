"""Conditions as bits: whether an event counts for a feature."""

from sentinel.model.kernel import kernel

ALWAYS, NEVER = -1, -2  # instead of a condition's bit
RING_BITS = 20  # the first bits of a stream are stored with the events of its ring
ALL_BITS = 62


@kernel
def applies(bit: int, bits: int) -> bool:
    """Whether the condition ``bit`` is among the ``bits`` that hold for an event."""
    return bit == ALWAYS or (bit >= 0 and (bits >> bit) & 1 == 1)
