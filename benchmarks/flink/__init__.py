"""Peer: Apache Flink in one JVM, from Maven Central."""
