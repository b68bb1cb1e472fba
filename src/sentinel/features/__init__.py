"""Features: what is known of a customer as of each event.

``declare`` reads features.yaml, ``layout`` gives every demanded feature its words in the
customer's row, ``kernels`` compute them event by event, ``feature_set`` joins
these, and ``customers`` says whose row is where.
"""

from sentinel.features.customers import Customers
from sentinel.features.declare import Declarations, Feature, declare
from sentinel.features.feature_set import FeatureSet
from sentinel.features.local_time import LocalTime

__all__ = ["Customers", "Declarations", "Feature", "FeatureSet", "LocalTime", "declare"]
