"""Features: values computed of a customer as of each event.

``kernels`` compute features event by event, each file a kind that describes itself (``kind``).
``declare`` reads features.yaml, ``layout`` allocates every demanded feature its words in the
customer's row (``builder``), ``feature_set`` joins these, and ``customers`` maps customers to rows.
"""

from sentinel.features.customers import Customers
from sentinel.features.declare import Declarations, declare
from sentinel.features.feature_set import FeatureSet
from sentinel.features.kind import Feature
from sentinel.features.local_time import LocalTime

__all__ = ["Customers", "Declarations", "Feature", "FeatureSet", "LocalTime", "declare"]
