"""Contract: what other systems may rely on, made from the structs that Sentinel itself uses.

``schemas`` describes the messages, ``asyncapi`` the topics that carry them; ``python -m
sentinel.contract docs/contract`` writes both as JSON.  Nothing here runs in a worker.
"""
