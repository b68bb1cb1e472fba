"""Benchmarks: Sentinel beside its peers, in one run, as ratios (``make bench``).

``events`` makes the input, ``engine``, ``memory``, ``worker`` and ``latency`` measure
Sentinel, ``river_peer``, ``plain_faust``, ``quix`` and ``hand_loop`` are what it is
measured against, and ``figures`` says what is measured and where the bars are.
"""
