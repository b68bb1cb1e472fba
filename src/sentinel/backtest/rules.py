"""The configurations that a backtest runs: a folder, one changed file, one changed number."""

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sentinel.model.document import did_you_mean
from sentinel.model.file import read_text
from sentinel.settings import configuration_texts, shipped_configs

_ANY_NAME = r"[a-z_][\w.]*"
_NUMBER = r"-?\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?"


class RuleError(Exception):
    """The rule, or the number in it, that is to be varied is not there or not the only one."""


def configuration_files(path: Path | None) -> dict[str, str]:
    """Text by path of a configuration: the shipped one, a folder, or the shipped one with a file.

    A single file replaces the shipped rule file of its name, or is added to them.
    Raises ConfigError for a file that is not UTF-8, and OSError.
    """
    files = configuration_texts(path if path is not None and path.is_dir() else shipped_configs())
    if path is not None and not path.is_dir():
        files[f"rules/{path.name}"] = read_text(path, f"rules/{path.name}")
    return files


def varied(
    files: Mapping[str, str], rule_id: str, name: str | None, value: float
) -> dict[str, str]:
    """The files with one number of a rule's conditions replaced; raises RuleError.

    The number is the one that ``name`` is compared with, as in ``amount_z > 3``; without a name
    the only number that anything is compared with.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000
    known: list[str] = []
    for path, text in files.items():
        if not path.startswith("rules/"):
            continue
        document = yaml.load(text)
        for rule in document.get("rules") or []:
            known.append(rule.get("id", ""))
            if known[-1] == rule_id:
                _vary(rule, rule_id, name, value)
                written = StringIO()
                yaml.dump(document, written)
                return {**files, path: written.getvalue()}
    hint = did_you_mean(rule_id, known)
    raise RuleError(f'there is no rule "{rule_id}"' + (f"; {hint}" if hint else ""))


def _vary(rule: dict[str, Any], rule_id: str, name: str | None, value: float) -> None:
    named = re.escape(name) if name else _ANY_NAME
    pattern = re.compile(rf"\b(?P<name>{named})\s*(?:<=|>=|<|>)\s*(?P<number>{_NUMBER})\b")
    holders = [(rule, "when"), *((step, "when") for step in _steps(rule))]
    found = [
        (holder, key, match)
        for holder, key in holders
        if key in holder
        for match in pattern.finditer(str(holder[key]))
    ]
    if len(found) != 1:
        names = sorted({match["name"] for *_, match in found})
        what = f'"{name}"' if name else "a name"
        raise RuleError(
            f"{rule_id}: {what} is compared with a number {len(found)} times, not once"
            + (f"; name one of {', '.join(names)}" if len(names) > 1 else "")
        )
    holder, key, match = found[0]
    text, (start, end) = str(holder[key]), match.span("number")
    holder[key] = f"{text[:start]}{value:.15g}{text[end:]}"


def _steps(rule: dict[str, Any]) -> list[dict[str, Any]]:
    sequence = rule.get("sequence") or {}
    return list(sequence.get("steps") or [])
