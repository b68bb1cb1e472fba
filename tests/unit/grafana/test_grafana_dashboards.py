"""Dashboards: what is committed is what is generated, and what a reader needs is there."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from sentinel.delivery.watch import PagerMetrics
from sentinel.metrics import Metrics

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
HAN = re.compile(r"[\u4e00-\u9fff]")
UNITS = {"short", "none", "ops", "s", "percentunit", "bytes"}


def _panels() -> Iterator[Any]:
    for file in FILES:
        for panel in json.loads(file.read_text("utf-8"))["panels"]:
            yield pytest.param(panel, id=f"{file.stem}: {panel['title']}")


def test_the_committed_files_are_the_generated_ones() -> None:
    """Nobody edits the JSON by hand, nobody forgets to write it."""
    generated = runpy.run_path(str(ROOT / "grafana" / "generate.py"))["rendered"]()
    assert {file.name: file.read_text("utf-8") for file in FILES} == generated


def test_every_dashboard_has_its_preview() -> None:
    """``make previews`` draws one picture for each dashboard, and none is left of an old one."""
    pictures = (ROOT / "docs" / "dashboards").glob("*.png")
    assert {picture.stem for picture in pictures} == {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dashboard_can_be_provisioned(file: Path) -> None:
    """Stable uid, both languages in the title, a chosen data source, panels that do not overlap."""
    board = json.loads(file.read_text("utf-8"))
    assert re.fullmatch(r"sentinel-[a-z-]+", board["uid"])
    assert HAN.search(board["title"])
    assert board["templating"]["list"][0]["type"] == "datasource"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    covered: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        area = panel["gridPos"]
        assert area["x"] + area["w"] <= 24
        cells = {
            (x, y)
            for x in range(area["x"], area["x"] + area["w"])
            for y in range(area["y"], area["y"] + area["h"])
        }
        assert not cells & covered, panel["title"]
        covered |= cells


@pytest.mark.parametrize("panel", list(_panels()))
def test_a_panel_explains_itself(panel: dict[str, Any]) -> None:
    """Title in both languages, description, unit, the templated source, a legend a query."""
    assert HAN.search(panel["title"])
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        assert target["legendFormat"]


@pytest.mark.parametrize("panel", list(_panels()))
def test_a_panel_asks_for_metrics_that_exist(panel: dict[str, Any]) -> None:
    """Every metric in a query is one that a worker exposes; rates ask counters only."""
    registry = CollectorRegistry()
    Metrics(registry)
    PagerMetrics(registry, [])
    text = generate_latest(registry).decode()
    names = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    for target in panel["targets"]:
        for metric in re.findall(r"sentinel_[a-z_]+", target["expr"]):
            family = metric.removesuffix("_bucket")
            assert family in names or metric.removesuffix("_total") in names, metric
        for metric in re.findall(r"(?:rate|increase)\((sentinel_[a-z_]+)", target["expr"]):
            assert metric.endswith(("_total", "_bucket")), metric


@pytest.mark.parametrize("panel", list(_panels()))
def test_the_choice_of_workers_is_for_workers_only(panel: dict[str, Any]) -> None:
    """A pager is no worker: its metrics would be gone as soon as a worker is chosen."""
    pagers = CollectorRegistry()
    PagerMetrics(pagers, [])
    names = re.findall(r"^# TYPE (\S+)", generate_latest(pagers).decode(), re.MULTILINE)
    for target in panel["targets"]:
        for metric, matchers in re.findall(r"(sentinel_[a-z_]+)(\{[^}]*\})?", target["expr"]):
            is_pagers = metric.removesuffix("_bucket") in names
            of_all = "count by (config_version)" in target["expr"]  # workers must agree
            assert ("$instance" in matchers) is not (is_pagers or of_all), metric
