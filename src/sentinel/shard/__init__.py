"""The engine on Kafka: chunks in, one transaction a step out, position by journal.

``shard`` runs steps, ``sink`` commits them, ``recovery`` rebuilds a shard from snapshot and
journal, ``shards`` follows the assignment that Faust is given.
"""
