"""Our semantics against the real Alertmanager's: routes, silences, inhibition; and pages to it."""

import asyncio
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ruamel.yaml import YAML
from tests.delivery.alerts import NOW, alert
from tests.delivery.box import Box
from tests.integration.stage import wait_for
from tests.ports import free_port

from sentinel.alerting.inhibition import InhibitRule
from sentinel.delivery.channels.alertmanager import Alertmanager
from sentinel.delivery.channels.http import Http
from sentinel.delivery.declare import read_plan
from sentinel.delivery.page import Page, PageKind, content
from sentinel.model.document import parse
from sentinel.model.matcher import Matcher, all_match, parse_matcher

pytestmark = pytest.mark.process

# Label sets in all that matters: absent, empty, equal, different, with characters that mean much.
LABELS: list[dict[str, str]] = [
    {"tier": tier, "risk": risk, **more}
    for tier in ("red", "orange", "yellow")
    for risk in ("legal", "operational")
    for more in ({}, {"rule": "mule.fan-in"}, {"rule": "muleXfan-in", "entity": 'C"1\\'})
]
MATCHERS = [
    'tier="red"',
    "tier=red",
    'tier!="red"',
    'tier=~"red|orange"',
    'tier=~"re"',  # anchored: matches nothing
    'tier=~"re.*"',
    'tier!~"red|orange"',
    'rule=""',  # absent counts as empty
    'rule!=""',
    'rule=~".*"',
    'rule=~"mule\\\\.fan-in"',
    'rule=~"mule.fan-in"',
    'rule!~".+"',
    'entity="C\\"1\\\\"',
    'region=""',
    'region=~"north|"',
]
INHIBIT = [
    {"source": ['tier="red"'], "target": ['tier=~"yellow|orange"'], "equal": ["risk"]},
    {"source": ['tier=~"red|orange"'], "target": ['tier=~"orange|yellow"'], "equal": []},
    {"source": ['rule!=""'], "target": ['risk="legal"'], "equal": ["rule"]},
    {"source": ['tier="orange"'], "target": ['tier="yellow"'], "equal": ["region"]},
]
TREE = """
  receiver: root
  routes:
    - matchers: ['risk="operational"']
      receiver: fraud
      routes:
        - {matchers: ['tier="red"'], receiver: fraud-red}
        - {matchers: ['tier=~"orange|yellow"'], receiver: fraud-slow, continue: true}
        - {matchers: ['rule=~"mule.*"'], receiver: mules}
    - {matchers: ['tier=~"red|orange"'], receiver: urgent, continue: true}
    - {matchers: ['risk="legal"', 'rule!=""'], receiver: rules}
    - {matchers: ['risk="legal"'], receiver: legal}
"""


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """A real Alertmanager with the inhibition rules; its address."""
    rules = [
        {
            "source_matchers": each["source"],
            "target_matchers": each["target"],
            "equal": each["equal"],
        }
        for each in INHIBIT[:1]
    ]
    yield from _running(tmp_path, rules)


def _running(folder: Path, rules: list[dict[str, Any]]) -> Iterator[str]:
    config = {
        "route": {"receiver": "nobody", "group_by": ["..."]},
        "receivers": [{"name": "nobody"}],
        "inhibit_rules": rules,
    }
    with (folder / "alertmanager.yml").open("w") as file:
        YAML(typ="safe").dump(config, file)
    port = free_port()
    program = shutil.which("prometheus-alertmanager")
    assert program, "run make setup-system"
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: _get(url, "/-/ready") is not None, "Alertmanager ready")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _get(url: str, path: str) -> str | None:
    try:
        with urllib.request.urlopen(url + path, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return None


def _post(url: str, path: str, body: object) -> None:
    request = urllib.request.Request(
        url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5):
        pass


def _alerts(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_get(url, "/api/v2/alerts") or "[]")
    return found


def _send(url: str, labels: list[dict[str, str]]) -> None:
    """Give Alertmanager one alert of each label set, told apart by their names."""
    alerts = [{"labels": {**each, "alertname": f"n{n}"}} for n, each in enumerate(labels)]
    _post(url, "/api/v2/alerts", alerts)
    wait_for(lambda: len(_alerts(url)) == len(labels), "all alerts there")


def _number(found: dict[str, Any]) -> int:
    return int(found["labels"]["alertname"][1:])


def _matcher(matcher: Matcher) -> dict[str, object]:
    return {
        "name": matcher.name,
        "value": matcher.value,
        "isRegex": matcher.op in ("=~", "!~"),
        "isEqual": matcher.op in ("=", "=~"),
    }


def test_silences_match_the_same_alerts(alertmanager: str) -> None:
    """Each matcher, as a silence there: exactly the alerts that it matches here are silenced."""
    _send(alertmanager, LABELS)
    now = datetime.now(UTC)
    silences: dict[str, str] = {}
    for text in MATCHERS:
        both = [parse_matcher(text), parse_matcher('alertname=~"n.*"')]  # one must not match ""
        _post(
            alertmanager,
            "/api/v2/silences",
            {
                "matchers": [_matcher(each) for each in both],
                "startsAt": (now - timedelta(minutes=1)).isoformat(),
                "endsAt": (now + timedelta(hours=1)).isoformat(),
                "createdBy": "test",
                "comment": text,
            },
        )
    for silence in json.loads(_get(alertmanager, "/api/v2/silences") or "[]"):
        silences[silence["id"]] = silence["comment"]
    assert sorted(silences.values()) == sorted(MATCHERS)
    theirs = {
        (silences[by], _number(found))
        for found in _alerts(alertmanager)
        for by in found["status"]["silencedBy"]
    }
    ours = {
        (text, n)
        for text in MATCHERS
        for n, labels in enumerate(LABELS)
        if all_match([parse_matcher(text)], labels)
    }
    assert theirs == ours
    assert 0 < len(ours) < len(MATCHERS) * len(LABELS)


@pytest.mark.parametrize("entry", INHIBIT, ids=lambda entry: str(entry["source"]))
def test_the_same_alerts_are_inhibited(entry: dict[str, list[str]], tmp_path: Path) -> None:
    """By one rule at a time: source and target, equal labels, absent labels, both sides."""
    rule = InhibitRule(
        tuple(map(parse_matcher, entry["source"])),
        tuple(map(parse_matcher, entry["target"])),
        tuple(entry["equal"]),
    )
    config = {"source_matchers": entry["source"], "target_matchers": entry["target"]}
    for url in _running(tmp_path, [{**config, "equal": entry["equal"]}]):
        _send(url, LABELS)
        theirs = {_number(each) for each in _alerts(url) if each["status"]["inhibitedBy"]}
    ours = {
        n
        for n, target in enumerate(LABELS)
        if any(rule.inhibits(source, target) for m, source in enumerate(LABELS) if m != n)
    }
    assert theirs == ours
    assert ours


def test_routes_choose_the_same_receivers(tmp_path: Path) -> None:
    """``amtool config routes test`` on the same tree, for every label set."""
    tree = YAML(typ="safe").load(TREE)
    names: list[str] = []
    ours_tree = _ours(tree, names)
    config = {"route": tree, "receivers": [{"name": name} for name in names]}
    path = tmp_path / "alertmanager.yml"
    with path.open("w") as file:
        YAML(typ="safe").dump(config, file)
    text = {
        "link": "http://x/{alert_id}",
        "ignore_older_than": "24h",
        "keep": "1d",
        "retry": {"first": "1s", "longest": "1s", "give_up": "1h", "timeout": "1s"},
        "channels": {"c": {"type": "alertmanager", "url": "http://x"}},
        "route": {**ours_tree, "ladder": [{"channels": ["c"]}]},
    }
    document = parse(json.dumps(text), "routes.yaml")
    root = read_plan(document, ZoneInfo("UTC")).root
    for labels in LABELS:
        shown = subprocess.run(
            ["amtool", "config", "routes", "test", f"--config.file={path}"]
            + [f"{name}={value}" for name, value in labels.items() if '"' not in value],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        known = {name: value for name, value in labels.items() if '"' not in value}
        assert ",".join(route.name for route in root.matching(known, 0)) == shown


def _ours(node: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The tree in our words: a route is called what its receiver is."""
    names.append(node["receiver"])
    route: dict[str, Any] = {"name": node["receiver"]}
    if "matchers" in node:
        route["match"] = node["matchers"]
    if node.get("continue"):
        route["continue"] = True
    if "routes" in node:
        route["routes"] = [_ours(each, names) for each in node["routes"]]
    return route


def test_a_page_becomes_an_alert_there_and_ends(alertmanager: str) -> None:
    """Triggered it is active, with both languages; resolved it is gone."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    shown = content(alert(opened_at=now_ms, updated_at=now_ms), "https://desk.example/{alert_id}")
    channel = Alertmanager(alertmanager, Http({}))

    def send(kind: PageKind) -> None:
        page = Page(page_id="p", channel="c", kind=kind, content=shown, since_ms=now_ms)
        asyncio.run(channel.send(page, now_ms))

    send(PageKind.TRIGGER)
    wait_for(lambda: len(_alerts(alertmanager)) == 1, "the alert is there")
    (found,) = _alerts(alertmanager)
    assert found["labels"]["alert_id"] == "a1"
    assert found["annotations"]["summary"] == "Account drained / 账户盗转"
    assert found["generatorURL"] == "https://desk.example/a1"
    send(PageKind.RESOLVE)
    wait_for(lambda: _alerts(alertmanager) == [], "the alert is over")


def test_a_digest_of_late_alerts_becomes_one_alert_there(alertmanager: str, tmp_path: Path) -> None:
    """Sent twice it is one alert, with its figures in both languages."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    box, read_ms = Box(tmp_path), NOW + 48 * 3_600_000
    box.store(*(alert(name) for name in "abc"), now_ms=read_ms)
    (page,) = box.due("duty", read_ms + 60_000)
    for _ in range(2):
        asyncio.run(Alertmanager(alertmanager, Http({})).send(page, now_ms))
    wait_for(lambda: len(_alerts(alertmanager)) == 1, "the digest is there")
    (found,) = _alerts(alertmanager)
    assert found["labels"]["alertname"] == "SentinelAlertsFoundLate"
    assert "补报预警 3 条" in found["annotations"]["summary"]
