"""Evaluate: detection on data that others made, by their protocol, beside their results."""
