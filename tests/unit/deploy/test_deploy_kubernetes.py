"""deploy/kubernetes: right by Kubernetes' schemas, confined, and one with compose and program."""

import os
from pathlib import Path
from typing import Any

import click
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import typer.main
from ruamel.yaml import YAML
from tests.stack import compose

from sentinel.cli import app
from sentinel.kafka.topics import Topics
from sentinel.settings import Settings, read_configuration

FOLDER = compose.ROOT / "deploy" / "kubernetes"
SERVICES: dict[str, Any] = compose.read()["services"]
VERSIONS = ("1.31", "1.37")
KUSTOMIZATION: dict[str, Any] = YAML(typ="safe").load(
    (FOLDER / "kustomization.yaml").read_text("utf-8")
)


def _documents(file: str) -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all((FOLDER / file).read_text("utf-8")))


RESOURCES = [each for file in KUSTOMIZATION["resources"] for each in _documents(file)]
KEDA = {each["kind"]: each["spec"] for each in _documents("keda.yaml")}
PODS = {
    each["metadata"]["name"].removeprefix("sentinel-"): each["spec"]["template"]
    for each in RESOURCES
    if each["kind"] in ("Deployment", "Job")
}
SCRATCH = "/tmp"  # noqa: S108  # in a pod
TWINS = {"worker": "worker-1", "pager": "pager", "topics": "topics"}

each_pod = pytest.mark.parametrize("name", PODS)
each_resource = pytest.mark.parametrize(
    "resource", RESOURCES, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}"
)


def _one(kind: str, name: str) -> dict[str, Any]:
    (found,) = (
        each for each in RESOURCES if each["kind"] == kind and each["metadata"]["name"] == name
    )
    return found


def _container(name: str) -> dict[str, Any]:
    (container,) = PODS[name]["spec"]["containers"]
    return dict(container)


def _environment(name: str) -> dict[str, str]:
    """The variables of a pod, those of the shared ConfigMap first."""
    container = _container(name)
    variables: dict[str, str] = {}
    for source in container["envFrom"]:
        variables |= _one("ConfigMap", source["configMapRef"]["name"])["data"]
    return variables | {each["name"]: each["value"] for each in container["env"]}


def _mounted(name: str) -> dict[str, dict[str, Any]]:
    """The volume at each path of a pod."""
    volumes = {each["name"]: each for each in PODS[name]["spec"]["volumes"]}
    return {each["mountPath"]: volumes[each["name"]] for each in _container(name)["volumeMounts"]}


def _bytes(quantity: str) -> int:
    return int(quantity[:-2]) << {"Mi": 20, "Gi": 30}[quantity[-2:]]


def _cores(quantity: str) -> float:
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


@pytest.mark.parametrize("version", VERSIONS)
@each_resource
def test_a_resource_is_right_by_its_schema(resource: dict[str, Any], version: str) -> None:
    """Kubernetes' own schemas know every field and nothing is wrong or missing."""
    kubernetes_validate.validate(resource, version, strict=True)


@each_resource
def test_a_resource_is_in_the_namespace(resource: dict[str, Any]) -> None:
    """One namespace, which is itself among the resources."""
    namespace = _one("Namespace", KUSTOMIZATION["namespace"])["metadata"]["name"]
    assert resource["metadata"].get("namespace", resource["metadata"]["name"]) == namespace


def test_every_file_is_used() -> None:
    """What lies in the folder is a resource, or KEDA's, or kustomize's own."""
    files = {file.name for file in FOLDER.glob("*.yaml")}
    assert files == {*KUSTOMIZATION["resources"], "kustomization.yaml", "keda.yaml"}


@each_pod
def test_a_pod_is_confined(name: str) -> None:
    """Read-only, no capabilities, no root, the runtime's seccomp, no token, compose's user."""
    spec, inside = PODS[name]["spec"], _container(name)["securityContext"]
    assert inside["readOnlyRootFilesystem"] is True
    assert inside["allowPrivilegeEscalation"] is False
    assert inside["capabilities"] == {"drop": ["ALL"]}
    context = spec["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    user = f"{context['runAsUser']}:{context['runAsGroup']}"
    assert user == SERVICES[TWINS[name]]["user"]
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)


@each_pod
def test_a_pod_is_what_compose_runs(name: str) -> None:
    """Image, command and limits are those of docker-compose.yml."""
    container, twin = _container(name), SERVICES[TWINS[name]]
    assert container["image"] == twin["image"]
    assert container["args"] == twin["command"]
    limits, asked = container["resources"]["limits"], container["resources"]["requests"]
    assert _cores(limits["cpu"]) == float(twin["deploy"]["resources"]["limits"]["cpus"])
    assert _bytes(limits["memory"]) == _bytes(asked["memory"]) == compose.memory_limit(twin)
    assert _cores(asked["cpu"]) <= _cores(limits["cpu"])


@each_pod
def test_a_pod_writes_where_compose_lets_it(name: str) -> None:
    """The same writable folders, /tmp in memory and of the same size; all else is read-only."""
    mounts = _container(name)["volumeMounts"]
    writes = {each["mountPath"] for each in mounts if not each.get("readOnly", False)}
    twin = SERVICES[TWINS[name]]
    writable = {target for source, target in compose.mounts(twin) if not source.startswith(".")}
    assert writes == {*writable, SCRATCH}
    (scratch,) = twin["tmpfs"]
    size = _mounted(name)[SCRATCH]["emptyDir"]
    assert size["medium"] == "Memory"
    assert f"size={_bytes(size['sizeLimit']) >> 20}m" in scratch
    for path, volume in _mounted(name).items():
        if "persistentVolumeClaim" in volume:
            assert path in writable
            _one("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])


@each_pod
def test_a_command_is_a_real_one(name: str) -> None:
    """Verb and options are those of the command line."""
    words = list(_container(name)["args"])
    command: Any = typer.main.get_command(app)
    while words and (isinstance(command, click.Group) or hasattr(command, "commands")):
        command = command.commands[words.pop(0)]
    command.make_context(name, words)


@each_pod
def test_settings_are_real_ones(name: str) -> None:
    """Every variable is a setting, files lie where secrets are mounted, and no secret is said."""
    variables = _environment(name)
    assert all(key.startswith("SENTINEL_") for key in variables)
    settings = Settings.from_environment(variables)
    files = [value for key, value in variables.items() if key.endswith("_FILE")]
    assert len(files) == 2
    for path in files:
        assert "secret" in _mounted(name)[os.path.dirname(path)]  # noqa: PTH120  # in a pod
    assert settings.sasl_password is None
    if name != "topics":
        assert settings.configs in _mounted(name)
    if name == "pager":
        assert settings.outbox.removeprefix("sqlite:///").rpartition("/")[0] in _mounted(name)


@each_pod
def test_services_put_no_variables_into_a_pod(name: str) -> None:
    """A Service called sentinel-worker would be a SENTINEL_ variable, and that an error."""
    assert PODS[name]["spec"]["enableServiceLinks"] is False


@pytest.mark.parametrize("name", ["worker", "pager"])
def test_probes_ask_pages_that_are_served(name: str) -> None:
    """Alive is /livez, at the start too: a long recovery is not ended; ready is /readyz."""
    container = _container(name)
    (port,) = container["ports"]
    assert str(port["containerPort"]) == _environment(name)["SENTINEL_WEB_PORT"]
    paths = {
        probe: container[f"{probe}Probe"]["httpGet"]["path"]
        for probe in ("startup", "liveness", "readiness")
    }
    assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
    assert (
        compose.health_url(SERVICES[TWINS[name]])
        == f"http://127.0.0.1:{port['containerPort']}/livez"
    )
    for probe in ("startup", "liveness", "readiness"):
        assert container[f"{probe}Probe"]["httpGet"]["port"] == port["name"]
    annotations = PODS[name]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(port["containerPort"])
    grace = PODS[name]["spec"]["terminationGracePeriodSeconds"]
    assert SERVICES[TWINS[name]]["stop_grace_period"] == f"{grace}s"


@pytest.mark.parametrize("name", ["worker", "pager"])
def test_selectors_find_their_pods(name: str) -> None:
    """Deployment, Service and budget select by labels that only this pod has."""
    labels = PODS[name]["metadata"]["labels"]
    deployment, service = (
        _one("Deployment", f"sentinel-{name}"),
        _one("Service", f"sentinel-{name}"),
    )
    selectors = [deployment["spec"]["selector"]["matchLabels"], service["spec"]["selector"]]
    if name == "worker":
        selectors.append(
            _one("PodDisruptionBudget", "sentinel-worker")["spec"]["selector"]["matchLabels"]
        )
        spread = PODS[name]["spec"]["topologySpreadConstraints"]
        selectors += [each["labelSelector"]["matchLabels"] for each in spread]
    for selector in selectors:
        assert selector.items() <= labels.items()
        others = [pod["metadata"]["labels"] for other, pod in PODS.items() if other != name]
        assert not any(selector.items() <= each.items() for each in others)


def test_a_roll_out_cannot_stand_still() -> None:
    """No worker in addition, and never more than partitions: one without a shard is never ready."""
    spec = _one("Deployment", "sentinel-worker")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    partitions = int(_environment("worker")["SENTINEL_PARTITIONS"])
    assert spec["replicas"] <= partitions
    assert KEDA["ScaledObject"]["maxReplicaCount"] == partitions


def test_one_pager_has_the_outbox() -> None:
    """SQLite's file has one writer: a new pager starts when the old one is gone."""
    spec = _one("Deployment", "sentinel-pager")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    claim = _one("PersistentVolumeClaim", "sentinel-outbox")["spec"]
    assert claim["accessModes"] == ["ReadWriteOncePod"]


def test_lag_is_asked_of_what_workers_read() -> None:
    """KEDA asks these brokers for the group and an input of these settings, of this Deployment."""
    spec, settings = KEDA["ScaledObject"], Settings.from_environment(_environment("worker"))
    _one("Deployment", spec["scaleTargetRef"]["name"])
    (trigger,) = spec["triggers"]
    asked = trigger["metadata"]
    assert trigger["type"] == "kafka"
    assert asked["bootstrapServers"] == settings.brokers
    assert asked["consumerGroup"] == settings.app_id
    assert asked["topic"] in Topics(settings.topic_prefix).inputs.values()
    assert spec["minReplicaCount"] == _one("Deployment", "sentinel-worker")["spec"]["replicas"]


def test_the_network_lets_through_what_is_used() -> None:
    """Metrics in, Kafka out; and the policy is of all our pods."""
    spec = _one("NetworkPolicy", "sentinel")["spec"]
    assert spec["ingress"][0]["ports"][0]["port"] == 6066
    broker = Settings.from_environment(_environment("worker")).brokers
    out = {port["port"] for rule in spec["egress"] for port in rule["ports"]}
    assert int(broker.rpartition(":")[2]) in out
    for pod in PODS.values():
        assert spec["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


@pytest.mark.parametrize("name", ["worker", "pager"])
def test_the_whole_configuration_is_mounted(name: str, tmp_path: Path) -> None:
    """Laid out as a projected volume does, by links, it is the configuration that is shipped."""
    maps = {
        each["name"]: {Path(file).name: (FOLDER / file).resolve() for file in each["files"]}
        for each in KUSTOMIZATION["configMapGenerator"]
    }
    hidden = tmp_path / "..data"
    for source in _mounted(name)["/etc/sentinel"]["projected"]["sources"]:
        files = maps[source["configMap"]["name"]]
        assert sum(file.stat().st_size for file in files.values()) < 1 << 20  # of a ConfigMap
        items = source["configMap"].get("items", [{"key": key, "path": key} for key in files])
        for item in items:
            target = hidden / item["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files[item["key"]].read_bytes())
    for top in hidden.iterdir():
        (tmp_path / top.name).symlink_to(top)
    shipped = compose.ROOT / "configs"
    assert read_configuration(tmp_path).version == read_configuration(shipped).version
    mounted = {file.relative_to(hidden) for file in hidden.rglob("*.yaml")}
    there = {
        file.relative_to(shipped)
        for pattern in ("*.yaml", "lists/*.yaml", "rules/*.yaml")
        for file in shipped.glob(pattern)
    }
    assert mounted == there
