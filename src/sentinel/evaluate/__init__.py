"""Evaluate: how well detection does on data of others, by published protocols.

One data set a file; each gives plain numbers, which ``sentinel evaluate`` prints.
"""
