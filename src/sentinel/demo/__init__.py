"""Demo: the whole journey on one machine, watched in a terminal.

``cluster`` is librdkafka's built-in Kafka in this process, ``worker`` a real Sentinel
worker beside it, ``watch`` reads what they did, ``view`` shows it, ``run`` plays it.
"""
