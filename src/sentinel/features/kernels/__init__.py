"""Kernels: the code that updates and reads a customer's row of words for one event.

A row is 64-bit words, seen at once as float64 (``f``) and int64 (``i``) views of one
memory; ``at`` is the index of a feature's first word.  A row of zeros is a customer
never seen before, for every kernel.  The docstring of each kernel describes its words.
"""
