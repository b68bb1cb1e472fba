"""Writes grafana/dashboards: ``python grafana/generate.py``; a test compares the two."""

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

sys.path.insert(0, str(Path(__file__).parent))

from complaints import complaints
from delivery import delivery
from recovery import recovery
from risk_desk import risk_desk
from rules import rules
from shared_entities import shared_entities
from soc import soc
from stream_health import stream_health

DASHBOARDS = {
    "risk-desk": risk_desk,
    "soc": soc,
    "stream-health": stream_health,
    "recovery": recovery,
    "rules": rules,
    "shared-entities": shared_entities,
    "complaints": complaints,
    "delivery": delivery,
}


def rendered() -> dict[str, str]:
    """Every dashboard's JSON by file name."""
    encoder = JSONEncoder(indent=2, ensure_ascii=False)
    return {f"{name}.json": encoder.encode(make()) + "\n" for name, make in DASHBOARDS.items()}


if __name__ == "__main__":
    for name, text in rendered().items():
        (Path(__file__).parent / "dashboards" / name).write_text(text, encoding="utf-8")
