"""What things cost, and what a large bank therefore needs (``make scaling``, docs/scaling.md).

``engine_costs``, ``state_costs`` and ``recovery_costs`` measure, ``model`` computes, ``pages``
writes the tables.
"""
