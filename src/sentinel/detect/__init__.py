"""Detect: online anomaly models that score each event, then learn it.

``declare`` reads detectors.yaml; every kind of detector is a file (``trees``,
``river_model``) with its entry there and the model that it makes, a ``detector``;
``calibration`` turns scores into p-values; ``detector_set`` joins them.  To add a kind: write
its file, add it to ``kinds``, and list it in the contract suite.
"""

from sentinel.detect.detector_set import DetectorSet, load

__all__ = ["DetectorSet", "load"]
