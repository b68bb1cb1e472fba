"""Feedback: what people found of events, and how well each rule does by it."""

from sentinel.feedback.verdicts import Tally, Verdicts

__all__ = ["Tally", "Verdicts"]
