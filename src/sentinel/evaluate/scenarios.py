"""Our own labelled scenarios: how many are found, how soon, and what is urgent for nothing.

The simulator makes the bank, with a seed that nothing was tuned on; the shipped configuration
runs as it runs live.  A bank's fraud is not the simulator's: these figures say that rules and
engine do what they were made for, not how much of real fraud they find.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentinel.backtest import Judgement, judge, read_labels, run
from sentinel.engine import Configuration
from sentinel.replay.source import Source, open_source
from sentinel.simulate import Simulation
from sentinel.simulate.files import event_lines, label_lines

_DAY_MS = 86_400_000
EVENTS, LABELS = "events.jsonl", "labels.jsonl"


@dataclass(frozen=True, slots=True)
class Bank:
    """What is simulated where no data are given; ``history_days`` of ordinary life come first."""

    seed: int
    customers: int = 3_000
    history_days: float = 45
    days: float = 4
    attacks_per_day: float = 60
    start_ms: int = 1_767_542_400_000  # 2026-01-05 00:00 in Shanghai


def write(bank: Bank, folder: Path) -> None:
    """Put a bank's events and labels into ``folder``."""
    simulation = Simulation(
        customers=bank.customers,
        start_ms=bank.start_ms,
        seed=bank.seed,
        days=bank.days,
        history_days=bank.history_days,
        attacks_per_day=bank.attacks_per_day,
    )
    with (folder / EVENTS).open("wb") as events, (folder / LABELS).open("wb") as labels:
        for block in simulation.blocks():
            events.writelines(event_lines(block))
            labels.writelines(label_lines(block))


def evaluate(
    configuration: Configuration,
    folder: Path,
    warm_up_ms: int,
    progress: Callable[[Source], object] = lambda _: None,
) -> Judgement:
    """Judge a configuration on a folder as ``sentinel simulate --out`` leaves it.

    Raises OSError and ReplayError.
    """
    with (folder / LABELS).open("rb") as lines:
        truth = read_labels(lines, str(folder / LABELS))
    source = open_source(str(folder / EVENTS))
    found = run(configuration, [source], truth, progress=lambda: progress(source))
    return judge(found, truth, warm_up_ms)


def evaluate_bank(
    configuration: Configuration, bank: Bank, progress: Callable[[Source], object] = lambda _: None
) -> Judgement:
    """Judge a configuration on a simulated bank, after its history."""
    with tempfile.TemporaryDirectory(prefix="sentinel-evaluate-") as name:
        write(bank, Path(name))
        return evaluate(configuration, Path(name), round(bank.history_days * _DAY_MS), progress)


def document(found: Judgement) -> dict[str, Any]:
    """The figures as plain data: ``mean`` of all cases, ``folds`` by scenario."""
    figures: dict[str, Any] = found.figures()
    cases = figures["cases"]
    return {
        "mean": {
            "recall": cases["recall"],
            "false_urgent_per_1000_customers_a_day": figures["false_urgent_per_1000_a_day"],
            "median_events_behind": cases["median_events_behind"],
            "median_to_detect_s": cases["median_to_detect_s"],
            "median_lead_s": cases["median_lead_s"],
            "precision": figures["precision"],
        },
        "folds": [{"scenario": name, **caught} for name, caught in figures["scenarios"].items()],
        "alerts": figures["alerts"],
        "customers": figures["customers"],
        "days": figures["days"],
        "events": figures["events"],
    }
