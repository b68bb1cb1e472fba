"""State: which slot of the slab a customer has, and the slab itself.

A slot is a place in arrays; a slab is one row of words per slot.  What the words mean
is for the stage that owns them (features).
"""

from sentinel.state.slots import Evictions, Slots

__all__ = ["Evictions", "Slots"]
