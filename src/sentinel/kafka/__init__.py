"""Access to Kafka: all code that depends on its client libraries.

``transport`` hands fetched chunks to Faust whole, ``producer`` writes transactions, ``reader``
reads partitions outside of any group, ``topics`` declares the topics.
"""
