"""Feedback: what people found events to be.

``verdicts`` tells how well each rule does by it, ``held`` whom a transaction named, so that
a verdict on it counts for its merchant, device and payee too.  For supervised models,
``pending`` holds each scored event with its features until its label is due, ``journal``
keeps labelled rows to learn from, ``risk`` remembers the labels of one kind of entity on its
own shard; ``declare`` reads what a risk engineer writes of them.
"""

from sentinel.feedback.declare import Feedback, declare
from sentinel.feedback.held import Held
from sentinel.feedback.journal import Journal, Lesson
from sentinel.feedback.pending import Answer, Labelled, Pending, Scored, joined
from sentinel.feedback.risk import Risk
from sentinel.feedback.verdicts import Tally, Verdicts

__all__ = [
    "Answer",
    "Feedback",
    "Held",
    "Journal",
    "Labelled",
    "Lesson",
    "Pending",
    "Risk",
    "Scored",
    "Tally",
    "Verdicts",
    "declare",
    "joined",
]
