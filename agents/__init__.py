"""Agents: the Faust app and its three readers; orchestration only, logic is in sentinel.stream."""
