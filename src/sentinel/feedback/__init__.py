"""Feedback: what people found out about events, joined to the events as they were scored.

``pending`` holds each scored event with its features until its label is due, ``journal``
keeps labelled rows for learning, ``risk`` remembers the labels of what customers share;
``declare`` reads what a risk engineer writes of them.
"""

from sentinel.feedback.declare import Feedback, declare
from sentinel.feedback.journal import Journal, Lesson
from sentinel.feedback.pending import Answer, Labelled, Pending, Scored
from sentinel.feedback.risk import Risk

__all__ = [
    "Answer",
    "Feedback",
    "Journal",
    "Labelled",
    "Lesson",
    "Pending",
    "Risk",
    "Scored",
    "declare",
]
