"""Backtest: a configuration over history, judged by labels and against another configuration."""

from sentinel.backtest.compare import Differences, compare
from sentinel.backtest.judge import Judgement, judge
from sentinel.backtest.rules import RuleError, configuration_files, varied
from sentinel.backtest.run import Episode, Run, run
from sentinel.backtest.truth import Attack, Truth, read_labels

__all__ = [
    "Attack",
    "Differences",
    "Episode",
    "Judgement",
    "RuleError",
    "Run",
    "Truth",
    "compare",
    "configuration_files",
    "judge",
    "read_labels",
    "run",
    "varied",
]
