"""The metrics of a worker for Prometheus; names have units, labels never have ids.

What the engine counts is exported as ``model/counts.py`` declares it.  Otherwise there is one
file per subject: its metrics stand beside the methods that feed them.  ``worker`` joins all in
one registry.
"""

from sentinel.metrics.alerts import SHARED
from sentinel.metrics.steps import StepFailure
from sentinel.metrics.worker import Metrics

__all__ = ["SHARED", "Metrics", "StepFailure"]
