"""docker-compose.yml: right by the specification, closed as we want it, and true of our program."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from tests.stack import compose

import sentinel
from sentinel.cli import app
from sentinel.settings import Settings

ROOT = compose.ROOT
COMPOSE = compose.read()
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = [name for name, each in SERVICES.items() if each["image"].startswith("sentinel:")]
# They end by themselves, or have no page: said outright, so that nobody forgets a check.
UNCHECKED = {"topics", "simulator"}

each_service = pytest.mark.parametrize("name", SERVICES)


def _yaml(*parts: str) -> Any:
    return YAML(typ="safe").load(ROOT.joinpath(*parts).read_text("utf-8"))


def test_it_is_right_by_the_specification() -> None:
    """The Compose Specification's own schema finds nothing wrong."""
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text("utf-8"))
    errors = Draft202012Validator(schema).iter_errors(COMPOSE)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []
    assert "version" not in COMPOSE


@each_service
def test_a_service_is_confined(name: str) -> None:
    """Read-only, without capabilities, as a numeric user that is not root, and no way up."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)


@each_service
def test_a_service_is_bounded_and_watched(name: str) -> None:
    """Processor and memory have a limit, health is checked, and a restart policy is set."""
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[MG]", limits["memory"])
    assert service["restart"] == ("no" if name == "topics" else "unless-stopped")
    check = service["healthcheck"]
    assert check.get("disable", False) is (name in UNCHECKED)
    assert name in UNCHECKED or {"test", "interval", "timeout", "retries"} <= set(check)


@each_service
def test_an_image_cannot_change(name: str) -> None:
    """A tag of three numbers for people, a digest for Docker; ours is built of this version."""
    named, _, digest = SERVICES[name]["image"].partition("@")
    image, _, tag = named.rpartition(":")
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag)
    if image == "sentinel":
        assert (tag, digest) == (sentinel.__version__, "")
    else:
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)


@each_service
def test_a_port_is_open_to_this_machine_only(name: str) -> None:
    """Every published port is bound to 127.0.0.1."""
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


@each_service
def test_a_mount_exists(name: str) -> None:
    """Mounted folders are there, and read-only; other volumes are declared."""
    for volume in SERVICES[name].get("volumes", []):
        source, _, *mode = volume.split(":")
        if source.startswith("."):
            assert (ROOT / source).is_dir()
            assert mode == ["ro"]
        else:
            assert source in COMPOSE["volumes"]


@each_service
def test_a_service_waits_for_services_that_are_there(name: str) -> None:
    """Dependencies exist, a finished one ends by itself, a healthy one has a check."""
    for other, how in SERVICES[name].get("depends_on", {}).items():
        finishes = how["condition"] == "service_completed_successfully"
        assert finishes is (SERVICES[other]["restart"] == "no")
        assert finishes or other not in UNCHECKED


@pytest.mark.parametrize("name", OURS)
def test_a_command_is_a_real_one(name: str) -> None:
    """Verb and options are those of the command line."""
    words = list(SERVICES[name]["command"])
    command: Any = typer.main.get_command(app)
    while words and (isinstance(command, click.Group) or hasattr(command, "commands")):
        command = command.commands[words.pop(0)]
    command.make_context(name, words)


@pytest.mark.parametrize("name", OURS)
def test_settings_are_real_ones(name: str) -> None:
    """Every variable and its value is a setting."""
    environment = SERVICES[name].get("environment", {})
    assert all(key.startswith("SENTINEL_") for key in environment)
    settings = Settings.from_environment(environment)
    if environment:
        host, _, port = settings.brokers.partition(":")
        listeners = SERVICES[host]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
        assert f"INSIDE://{host}:{port}" in listeners.split(",")


def test_prometheus_scrapes_services_that_listen() -> None:
    """Every target is a service with a page on that port, and every such service a target."""
    jobs = _yaml("configs", "prometheus", "prometheus.yml")["scrape_configs"]
    targets = {
        target for job in jobs for group in job["static_configs"] for target in group["targets"]
    }
    pages = {
        f"{name}:{SERVICES[name]['environment']['SENTINEL_WEB_PORT']}"
        for name in OURS
        if name not in UNCHECKED
    }
    assert targets - {"localhost:9090"} == pages
    for page in pages:
        host = SERVICES[page.partition(":")[0]]["environment"]["SENTINEL_WEB_HOST"]
        assert host == "0.0.0.0"  # noqa: S104  # of a container; nothing publishes the port


def test_services_find_each_other() -> None:
    """Prometheus' Alertmanager and Grafana's Prometheus are services, on the ports they publish."""
    alerting = _yaml("configs", "prometheus", "prometheus.yml")["alerting"]["alertmanagers"]
    source = _yaml("grafana", "provisioning", "datasources", "prometheus.yml")["datasources"][0]
    addresses = [alerting[0]["static_configs"][0]["targets"][0], source["url"].split("//")[1]]
    assert len(addresses) == 2
    for address in addresses:
        name, _, port = address.partition(":")
        assert SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_grafana_finds_its_dashboards() -> None:
    """The path that the provisioning names is where the dashboards are mounted."""
    provider = _yaml("grafana", "provisioning", "dashboards", "sentinel.yml")["providers"][0]
    mounted = {target: source for source, target in compose.mounts(SERVICES["grafana"])}
    assert mounted[provider["options"]["path"]] == "./grafana/dashboards"
    assert mounted["/etc/grafana/provisioning"] == "./grafana/provisioning"


def test_secrets_are_files_that_git_does_not_see() -> None:
    """They lie in the ignored folder, `make secrets` writes each, and each is used."""
    assert "/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    files = {name: each["file"] for name, each in COMPOSE["secrets"].items()}
    assert files == {name: f"./secrets/{name}" for name in files}
    written = re.search(r"^SECRETS := (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert written
    assert set(written[1].split()) == set(files)
    used = {secret for each in SERVICES.values() for secret in each.get("secrets", [])}
    assert used == set(files)


@each_service
def test_no_secret_stands_in_an_environment(name: str) -> None:
    """A variable about a password names a file that is mounted."""
    service = SERVICES[name]
    for variable, value in service.get("environment", {}).items():
        if re.search("PASSWORD|TOKEN|SECRET|CREDENTIAL", variable):
            assert value.removeprefix("/run/secrets/") in service["secrets"]
