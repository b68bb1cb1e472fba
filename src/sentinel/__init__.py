"""Sentinel: a real-time stream processor for financial-risk early warning."""

__version__ = "0.1.0"
DISTRIBUTION = "sentinel-early-warning"
"""The name that pip installs; ``sentinel`` on PyPI is another project."""
