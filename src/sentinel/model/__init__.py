"""The nouns: events, columns, steps, signals, alerts and configuration documents.

Nothing in here imports another room of Sentinel, so every stage may import it.
"""
