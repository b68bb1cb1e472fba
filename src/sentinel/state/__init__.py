"""State: which slot of the slab a customer has, the slab itself, and deadlines.

A slot is a place in arrays; a slab is one row of words per slot.  What the words mean
is for the stage that owns them (features).
"""

from sentinel.state.buffer import copied
from sentinel.state.newest import newest
from sentinel.state.slots import Evictions, Slots
from sentinel.state.timers import Timers

__all__ = ["Evictions", "Slots", "Timers", "copied", "newest"]
