"""Feedback: verdicts of people on events.

``verdicts`` counts them for each rule, ``label_buffer`` keeps the entities of a transaction, so
that a verdict on it counts for its merchant, device and payee too.
"""

from sentinel.feedback.label_buffer import LabelBuffer
from sentinel.feedback.verdicts import Tally, Verdicts

__all__ = ["LabelBuffer", "Tally", "Verdicts"]
