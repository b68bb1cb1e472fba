"""Evaluate: ours beside what is published, on data sets made by others; one file a data set.

A data set's file reads the published layout, runs the detector that runs live, and scores by the
published protocol.  ``nab_score`` is the Numenta Anomaly Benchmark's scorer.
"""
