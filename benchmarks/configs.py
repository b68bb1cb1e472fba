"""Configurations as text by path, as the engine takes them."""

from collections.abc import Mapping
from pathlib import Path

_NOT_BY_CUSTOMER = ("rules/entities.yaml", "rules/feedback.yaml", "rules/complaints.yaml")
_SHIPPED = Path(__file__).parents[1] / "configs"


def shipped() -> dict[str, str]:
    """The whole shipped configuration."""
    patterns = ("*.yaml", "lists/*.yaml", "rules/*.yaml")
    paths = [path for pattern in patterns for path in _SHIPPED.glob(pattern)]
    return {path.relative_to(_SHIPPED).as_posix(): path.read_text("utf-8") for path in paths}


def by_customer(files: Mapping[str, str]) -> dict[str, str]:
    """Without the rules of what customers share and write: what one keyed state can do."""
    return {name: text for name, text in files.items() if name not in _NOT_BY_CUSTOMER}


def write(files: Mapping[str, str], folder: Path) -> Path:
    """Put a configuration into ``folder``, which is returned."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder
