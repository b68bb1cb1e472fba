"""Replay: files of history, ours or foreign, through the same engine that runs live.

The way of a row: ``source`` opens a file, ``tables`` or ``lines`` read it in blocks,
``mapping`` defines how foreign columns become event fields and ``render`` writes them as
the JSON that Kafka would have carried, ``order`` brings several files into one sequence
by event time, ``run`` feeds it to the engine step by step.  ``ruletests`` runs the
tests that stand inside rule files.
"""
