"""Demo: the whole pipeline on one machine, shown in a terminal.

``cluster`` is librdkafka's built-in Kafka in this process, ``worker`` a real Sentinel
worker beside it, ``watch`` reads alerts and metrics, ``view`` shows them, ``run`` runs it all.
"""
