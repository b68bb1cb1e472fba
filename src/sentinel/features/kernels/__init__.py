"""Kernels: how one event changes a customer's row of words, and what it reads there.

A row is 64-bit words, seen at once as float64 (``f``) and int64 (``i``) views of one
memory; ``at`` is the place of a feature's first word.  A row of zeros is a customer
never seen before, for every kernel.  Each kernel says what its words mean.
"""
