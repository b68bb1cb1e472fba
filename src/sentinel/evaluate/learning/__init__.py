"""Supervised learning that does not run live yet: from scored events to boosted trees.

``pending`` holds each scored event with its features until its label is due,
``training_buffer`` keeps labelled rows to learn from, ``label_history`` remembers the labels of
one kind of entity; ``declare`` reads what a risk engineer writes of them.  ``boost`` grows trees,
``forest`` runs them, ``boosted`` is the model, ``probability`` what its scores mean.
"""
