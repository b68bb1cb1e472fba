"""Sentinel: a real-time stream processor for financial-risk early warning."""

__version__ = "0.1.0"
