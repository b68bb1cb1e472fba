"""Feedback: what people found events to be.

``verdicts`` tells how well each rule does by it, ``label_buffer`` whom a transaction named, so that
a verdict on it counts for its merchant, device and payee too.
"""

from sentinel.feedback.label_buffer import LabelBuffer
from sentinel.feedback.verdicts import Tally, Verdicts

__all__ = ["LabelBuffer", "Tally", "Verdicts"]
