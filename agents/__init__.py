"""Agents: the Faust app and its readers; orchestration only, logic is in sentinel.shard."""
