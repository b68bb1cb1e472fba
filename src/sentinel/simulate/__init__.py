"""Simulated customers and their events, with labelled fraud: for demos, tests and benchmarks.

The same seed gives the same events, to the byte.  Labels are kept beside the events,
never in them, so that nothing downstream can learn from them.
"""

from sentinel.simulate.simulation import Item, Simulation

__all__ = ["Item", "Simulation"]
