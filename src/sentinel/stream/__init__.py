"""Stream: the engine on Kafka; chunks in, one transaction a step out, position by journal.

``transport`` hands fetched chunks to Faust whole, ``shard`` runs steps, ``sink`` commits
them, ``recovery`` rebuilds a shard from the journal, ``shards`` follows the assignment.
"""
