"""Questions to a Prometheus, and the questions that the dashboards ask."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DASHBOARDS = Path(__file__).parents[2] / "grafana" / "dashboards"


class PrometheusApi:
    """The HTTP interface of the Prometheus at an address."""

    def __init__(self, address: str) -> None:
        self._address = address

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an API call; fails with what Prometheus says."""
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"http://{self._address}/api/v1/{path}?{query}") as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def samples(self, query: str) -> list[Any]:
        """The result of an instant query, empty while Prometheus does not answer."""
        try:
            return list(self.ask("query", query=query)["result"])
        except urllib.error.URLError:
            return []


def dashboard_queries(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and query of every panel's every target, Grafana's variables replaced."""
    for file in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(file.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                query = target["expr"]
                for variable, value in variables.items():
                    query = query.replace(variable, value)
                yield f"{file.stem}: {panel['title']}", query
