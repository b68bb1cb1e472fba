"""The client edge of Kafka: everything that knows how its clients work.

``transport`` hands fetched chunks to Faust whole, ``producer`` writes transactions, ``reader``
reads partitions outside of any group, ``topics`` says what there is.
"""
