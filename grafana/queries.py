"""PromQL that most panels share, limited to the workers that the reader selects."""

INSTANCE = 'instance=~"$instance"'
RATE_INTERVAL = "[$__rate_interval]"


def rate(metric: str, by: str, matchers: str = "") -> str:
    """The increase of a counter per second, summed by labels."""
    return f"sum by ({by}) (rate({metric}{{{INSTANCE}{matchers}}}{RATE_INTERVAL}))"


def increase(metric: str, by: str, matchers: str = "") -> str:
    """The increase of a counter over the dashboard's time range, summed by labels."""
    return f"sum by ({by}) (increase({metric}{{{INSTANCE}{matchers}}}[$__range]))"


def quantile(share: float, metric: str, by: str = "le") -> str:
    """A quantile of a histogram."""
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', by)})"
