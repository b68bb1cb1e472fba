"""PromQL that most panels are made of, for the workers that the reader has chosen."""

ME = 'instance=~"$instance"'
RATE = "[$__rate_interval]"


def rate(metric: str, by: str, extra: str = "") -> str:
    """Its rise a second, summed by a label; ``extra`` are further matchers."""
    return f"sum by ({by}) (rate({metric}{{{ME}{extra}}}{RATE}))"


def increase(metric: str, by: str, extra: str = "") -> str:
    """Its rise in the chosen time, summed by a label."""
    return f"sum by ({by}) (increase({metric}{{{ME}{extra}}}[$__range]))"


def quantile(share: float, metric: str, by: str = "le") -> str:
    """The value that a share of a histogram's observations stays below."""
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', by)})"
