"""``sentinel check``: check whether a configuration folder is valid and complete."""

import json
import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from sentinel.cli.clock import wall_ms
from sentinel.cli.failure import LINT

if TYPE_CHECKING:
    from sentinel.engine import Configuration
    from sentinel.rules import Rule

_INNOCENT = 3  # examples of customers who do nothing wrong, which a desk asks of every rule


def check(
    configs: Annotated[
        Path | None, typer.Argument(help="A configuration folder; without it the shipped one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
) -> None:
    """Check a configuration: errors exit 1, lint findings exit 3.

    A list that is older than its period is a warning and leaves the exit code as it is.

    If SENTINEL_ variables are set, the settings are checked and shown too.
    """
    from sentinel.delivery.channels import read_usable
    from sentinel.kafka.masking import read_masks
    from sentinel.rules import outdated
    from sentinel.settings import read_configuration, shipped_configs

    configuration = read_configuration(configs)
    folder = configs or shipped_configs()
    plan, _ = read_usable(folder, os.environ), read_masks(folder)
    findings = list(_findings(configuration, configs))
    today = datetime.fromtimestamp(wall_ms() / 1000, configuration.bounds.local_time.zone).date()
    warnings = outdated(configuration.lists, today)
    summary, settings = _summary(configuration), _settings()
    summary["routes"] = sum(1 for _ in plan.root.walk())
    if as_json:
        catalogue = [_entry(rule) for rule in configuration.build().rules.rules]
        shown = {**summary, "catalogue": catalogue, "settings": settings}
        shown |= {"findings": findings, "warnings": warnings}
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        for name, value in summary.items():
            typer.echo(f"{name:12} {_shown(value)}")
        for name, value in settings.items():
            typer.echo(f"{name}={value}")
    for line in (*findings, *(f"warning: {each}" for each in warnings)):
        typer.echo(line, err=True)
    if findings:
        raise typer.Exit(LINT)


def _entry(rule: "Rule") -> dict[str, object]:
    """The rule's entry in the catalogue."""
    names = ("id", "risk", "severity", "mode", "owner", "source", "title", "explanation")
    return {name: to_builtins(getattr(rule, name)) for name in (*names, "actions", "runbook")}


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items())
    return str(value)


def _summary(configuration: "Configuration") -> dict[str, object]:
    stages = configuration.build()
    rules = stages.rules.rules
    return {
        "version": configuration.version,
        "features": len(configuration.declarations.features),
        "lists": {name: len(each.hashes) for name, each in configuration.lists.items()},
        "rules": len(rules),
        "by mode": dict(Counter(rule.mode.value for rule in rules)),
        "by risk": dict(Counter(rule.risk.value for rule in rules)),
        "row bytes": stages.customers.bytes_each,
    }


def _settings() -> dict[str, object]:
    """The settings of a worker that is started here, by variable; empty if no variable is set."""
    from sentinel.kafka.security import client_config
    from sentinel.settings import Settings, variable

    if not any(name.startswith("SENTINEL_") for name in os.environ):
        return {}
    settings = Settings.from_environment(os.environ)
    client_config(settings)  # for its errors: files that are missing or do not fit
    return {variable(name): value for name, value in settings.shown().items()}


def _findings(configuration: "Configuration", folder: Path | None) -> list[str]:
    stages, findings = configuration.build(), []
    used = {name for names in stages.rules.demand.values() for name in names}
    used |= {name for names in stages.detectors.demand.values() for name in names}
    findings += [
        f"features.yaml: no rule or detector uses {feature.name}"
        for feature in configuration.declarations.features
        if feature.name not in used
    ]
    findings += [
        f"lists/{name}.yaml: no rule uses it"
        for name in configuration.lists
        if name not in stages.rules.lists_asked
    ]
    root = None if folder is None else folder.resolve().parent
    for rule in stages.rules.rules:
        expected = [test.get("expect") for test in rule.tests]
        if not any(each != "none" for each in expected):
            findings.append(f"{rule.id}: no test in which it fires")
        if expected.count("none") < _INNOCENT:
            findings.append(f"{rule.id}: fewer than {_INNOCENT} tests in which it is quiet")
        if not rule.title.en or not rule.title.zh:
            findings.append(f"{rule.id}: the title needs en and zh")
        if rule.explanation is None or not rule.explanation.en or not rule.explanation.zh:
            findings.append(f"{rule.id}: the explanation needs en and zh")
        if not rule.owner:
            findings.append(f"{rule.id}: no owner")
        if not rule.source:
            findings.append(f"{rule.id}: no source of its threshold")
        if not rule.actions:
            findings.append(f"{rule.id}: no action")
        if not rule.runbook:
            findings.append(f"{rule.id}: no runbook")
        elif root is not None and (root / "docs").is_dir() and not (root / rule.runbook).is_file():
            findings.append(f"{rule.id}: {rule.runbook} does not exist")
    return findings
