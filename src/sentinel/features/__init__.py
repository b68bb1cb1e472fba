"""Features: what is known of a customer as of each event.

``declare`` reads features.yaml, ``layout`` gives every demanded feature its words in the
customer's row, ``kernels`` compute them event by event, and ``feature_set`` joins these.
"""

from sentinel.features.declare import Declarations, Feature, declare
from sentinel.features.feature_set import FeatureSet
from sentinel.features.local_time import LocalTime

__all__ = ["Declarations", "Feature", "FeatureSet", "LocalTime", "declare"]
