"""State: the customers' slots, the slab of rows, and deadlines.

A slot is an index into arrays; a slab has one row of words per slot.  The stage that owns them
(features) defines the words.
"""

from sentinel.state.buffer import copied
from sentinel.state.newest import newest
from sentinel.state.slots import Evictions, Slots
from sentinel.state.timers import Timers

__all__ = ["Evictions", "Slots", "Timers", "copied", "newest"]
