"""Dashboards and rules against a real Prometheus that scrapes a worker fed by the simulator."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM

import msgspec
from msgspec.structs import replace
from ruamel.yaml import YAML
from tests.integration.stage import Stage, WorkerProcess, wait_for
from tests.ports import free_port
from tests.stack.prometheus import PrometheusApi, dashboard_queries
from tests.stack.receivers import Receivers

from sentinel.simulate import Simulation

ROOT = Path(__file__).parents[2]
RULES = ROOT / "configs" / "prometheus" / "rules"
VARIABLES = {"$__rate_interval": "10s", "$__range": "1m", "$instance": ".*"}


class Prometheus(PrometheusApi):
    """Debian's Prometheus on a free port, scraping a worker and a pager every second."""

    def __init__(self, folder: Path, worker: str, pager: str) -> None:
        address = f"127.0.0.1:{free_port()}"
        super().__init__(address)
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [f"{RULES}/*.yml"],
            "scrape_configs": [
                {"job_name": "sentinel", "static_configs": [{"targets": [worker]}]},
                {"job_name": "pager", "static_configs": [{"targets": [pager]}]},
            ],
        }
        file = folder / "prometheus.yml"
        with file.open("w", encoding="utf-8") as out:
            YAML().dump(configuration, out)
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
                "--enable-feature=exemplar-storage",
                "--log.level=error",
            ]
        )

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)


def _wait_scraped(worker: WorkerProcess, prometheus: Prometheus, total: int) -> None:
    """Wait until the worker has counted so many events and Prometheus has seen it, thrice."""
    wait_for(lambda: worker.counted("sentinel_events_total") == total, "all events processed")
    seen = f"min_over_time(sum(sentinel_events_total)[3s:1s]) == {total}"
    wait_for(lambda: bool(prometheus.samples(seen)), "all of them scraped")


@contextmanager
def _scraped(stage: Stage, folder: Path) -> Iterator[Prometheus]:
    """A worker that has seen the simulator's events, a pager, and Prometheus that has seen both."""
    simulation = Simulation(customers=200, start_ms=1_767_571_200_000, days=1, attacks_per_day=30)
    records = [
        (item.stream, item.event.customer_id, msgspec.json.encode(item.event))
        for item in simulation
    ]
    worker = stage.worker(SENTINEL_SNAPSHOT_STEPS="3")
    settings = replace(stage.settings, web_port=free_port())
    receivers = Receivers()
    shutil.copytree(ROOT / "configs", folder / "configs")
    routes = folder / "configs" / "routes.yaml"
    shipped = routes.read_text("utf-8")
    routes.write_text(shipped.replace("http://alertmanager:9093", receivers.url), "utf-8")
    environment = {
        "SENTINEL_OUTBOX": f"sqlite:///{folder}/outbox.db",
        "SENTINEL_CONFIGS": str(folder / "configs"),
    }
    pager = WorkerProcess(settings, environment, "pager")
    ports = (stage.settings.web_port, settings.web_port)
    prometheus = Prometheus(folder, *(f"127.0.0.1:{port}" for port in ports))
    try:
        worker.wait_ready()
        pager.wait_ready()
        half = len(records) // 2
        for part, total in ((records[:half], half), (records[half:], len(records))):
            stage.feed(part)
            _wait_scraped(worker, prometheus, total)
        yield prometheus
    finally:
        worker.end(SIGTERM)
        pager.end(SIGTERM)
        receivers.stop()
        prometheus.stop()


def test_every_panel_and_rule_answers(kafka: str, prefix: str, tmp_path: Path) -> None:
    """No query errs, none is empty, and no alert on Sentinel fires on a healthy worker."""
    with _scraped(Stage(kafka, prefix), tmp_path) as prometheus:
        empty = [
            f"{panel}: {query}"
            for panel, query in dashboard_queries(VARIABLES)
            if not prometheus.ask("query", query=query)["result"]
        ]
        assert not empty
        found = prometheus.ask(
            "query_exemplars",
            query="sentinel_event_to_alert_seconds_bucket",
            start=f"{time.time() - 300}",
            end=f"{time.time()}",
        )
        assert all(
            len(each["labels"]["alert_id"]) == 32
            for series in found
            for each in series["exemplars"]
        )
        assert found
        groups = prometheus.ask("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert {rule["health"] for rule in rules} == {"ok"}
        assert [rule["name"] for rule in rules if rule.get("state") == "firing"] == []
        for rule in rules:
            if rule["type"] == "recording":
                assert prometheus.samples(rule["name"]), rule["name"]
