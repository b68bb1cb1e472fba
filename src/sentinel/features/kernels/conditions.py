"""Conditions as bits: whether an event counts for a feature."""

import numba

ALWAYS, NEVER = -1, -2  # instead of a condition's bit


@numba.njit(cache=True, nogil=True)
def applies(bit: int, bits: int) -> bool:
    """Whether the condition ``bit`` is among the ``bits`` that hold for an event."""
    return bit == ALWAYS or (bit >= 0 and (bits >> bit) & 1 == 1)
