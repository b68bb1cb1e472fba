"""The tables of docs/scaling.md, from the committed figures."""

import json
from pathlib import Path

from msgspec import convert

from benchmarks.scaling.model import Bank, Costs, Needs, needs

MEASURED = Path(__file__).parents[1] / "scaling.json"
_RATES = Path(__file__).parents[1] / "latest.json"
_SHOWN = {
    "us_per_event": ("one event in the engine, steps of 5,000, shipped configuration", "µs"),
    "us_per_step": ("one step of a single event: what a step costs whatever is in it", "µs"),
    "us_per_idle_step": ("a step without events", "µs"),
    "us_per_event_and_rule": ("one more rule of two comparisons, per event", "µs"),
    "us_per_event_and_feature": ("one more feature, per event", "µs"),
    "bytes_per_customer_and_feature": ("one more feature, per customer", "B"),
    "us_per_alert": ("one alert, beside its event", "µs"),
    "alert_bytes": ("an alert as a CloudEvent; it is written twice", "B"),
    "record_bytes": ("an input record, key and value, as the benchmark makes them", "B"),
    "journal_bytes": ("a journal record, one a step", "B"),
    "process_bytes": ("a worker's process before its first shard, kernels loaded", "MB"),
    "empty_shard_bytes": ("a shard without customers: its engine", "MB"),
    "producer_bytes": ("a shard's transactional producer, three brokers", "MB"),
    "producer_threads": ("its threads", ""),
    "bytes_per_customer": ("a customer in memory", "B"),
    "snapshot_bytes_per_customer": ("a customer in a snapshot, before compression", "B"),
    "snapshot_copies": ("memory while a snapshot is taken, over its size", ""),
    "snapshot_s_per_gb": ("`Engine.snapshot`, a GB", "s"),
    "compress_s_per_gb": ("Zstandard level 3 in chunks of 512 KiB, a GB", "s"),
    "compression_ratio": ("its ratio, simulated customers with a month of life", ""),
    "read_s_per_gb": ("chunks read from Kafka and unpacked, a GB", "s"),
    "restore_s_per_gb": ("`Engine.restore`, a GB", "s"),
    "replay_events_per_s": ("replay of the journal by `recover`, events a second", ""),
    "recovery_fixed_s": ("what `recover` takes whatever it replays", "s"),
    "second_worker_ratio": ("two workers' rate over one's, on two cores beside the broker", ""),
    "second_worker_cpu_kept_percent": ("one worker's processor time over two's, same events", "%"),
    "broker_cpu_percent": ("the broker's share of all processor time, two workers", "%"),
}
BANKS = {
    "16 workers, 5 min": Bank(workers=16),
    "32 workers, 5 min": Bank(),
    "32 workers, 30 min": Bank(snapshot_interval_s=1800),
    "64 workers, 5 min": Bank(workers=64),
}


def read_costs() -> dict[str, float]:
    """The committed figures by name; the rate from Kafka to alerts is ``make bench``'s."""
    found: dict[str, float] = json.loads(MEASURED.read_text("utf-8"))["costs"]
    rates = json.loads(_RATES.read_text("utf-8"))
    return found | {"worker_events_per_s": rates["kafka_events_per_s"]}


def costs_table(found: dict[str, float]) -> str:
    """What was measured, as a Markdown table."""
    rows = [f"| {means} | {_figure(found[name], unit)} |" for name, (means, unit) in _SHOWN.items()]
    return "\n".join(["| cost of | measured |", "| --- | ---: |", *rows])


def needs_table(found: dict[str, float]) -> str:
    """What the bank needs under each choice, as a Markdown table."""
    costs = convert({name: found[name] for name in Costs.__slots__}, Costs)
    columns = [_lines(needs(costs, bank)) for bank in BANKS.values()]
    rows = [
        "| " + " | ".join([label, *(column[label] for column in columns)]) + " |"
        for label in columns[0]
    ]
    heading = "| " + " | ".join(["workers, snapshot interval", *BANKS]) + " |"
    return "\n".join([heading, "| --- |" + " ---: |" * len(BANKS), *rows])


def _lines(of: Needs) -> dict[str, str]:
    return {
        "customers of a shard": f"{of.customers_per_shard:,.0f}",
        "cores for events at the peak": f"{of.load_cores:.1f}",
        "cores for steps at the peak": f"{of.step_cores:.1f}",
        "cores for snapshots": f"{of.snapshot_cores:.1f}",
        "a shard stands still for its snapshot": f"{of.snapshot_pause_s:.1f} s",
        "a worker's core is busy, one down": f"{of.worker_load:.0%}",
        "memory of a worker, one down": f"{of.worker_bytes / 1e9:.1f} GB",
        "memory of all workers": f"{of.total_bytes / 1e9:,.0f} GB",
        "input at the peak": f"{of.input_bytes_per_s / 1e6:.0f} MB/s",
        "snapshots before compression": f"{of.snapshot_raw_bytes_per_s / 1e6:.0f} MB/s",
        "snapshots to the brokers": f"{of.snapshot_bytes_per_s / 1e6:.0f} MB/s",
        "alerts and journal": f"{of.output_bytes_per_s / 1e6:.1f} MB/s",
        "written by all brokers, 3 replicas": f"{of.written_bytes_per_s / 1e6:.0f} MB/s",
        "brokers of 100 MB/s, one spare": f"{of.brokers}",
        "disk of all brokers": f"{of.disk_bytes / 1e12:.0f} TB",
        "transactions a second, at most": f"{of.transactions_per_s:,.0f}",
        "recovery of one worker: read": f"{of.recovery_read_s:.0f} s",
        "recovery of one worker: replay": f"{of.recovery_replay_s:.0f} s",
        "recovery of one worker": f"{of.recovery_s:.0f} s",
    }


def _figure(value: float, unit: str) -> str:
    if unit == "MB":
        value /= 1e6
    text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()
