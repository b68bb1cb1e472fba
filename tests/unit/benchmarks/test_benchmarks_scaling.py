"""The model of a large bank, and that docs/scaling.md says what it says."""

from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.scaling.model import Bank, Costs, event_us, least_partitions, needs
from benchmarks.scaling.pages import BANKS, costs_table, needs_table, read_costs

COSTS = Costs(
    worker_events_per_s=100_000,
    us_per_step=1_000,
    us_per_event_and_rule=0.01,
    us_per_alert=100,
    alert_bytes=1_000,
    record_bytes=400,
    journal_bytes=200,
    process_bytes=200e6,
    empty_shard_bytes=9e6,
    producer_bytes=1e6,
    bytes_per_customer=2_000,
    snapshot_bytes_per_customer=2_000,
    snapshot_s_per_gb=2,
    restore_s_per_gb=4,
    compress_s_per_gb=1,
    compression_ratio=5,
    snapshot_copies=2,
    read_s_per_gb=3,
    replay_events_per_s=50_000,
    recovery_fixed_s=4,
)
BANK = Bank(
    customers=10_000_000,
    events_per_s=10_000,
    peak_factor=2,
    alerts_per_1000_events=1,
    partitions=40,
    workers=11,
    snapshot_interval_s=100,
    steps_per_s=10,
    busiest_share=1.0,
)


def test_cores_are_those_of_events_steps_and_snapshots() -> None:
    """By hand: 20,000 events of 10.1 µs, 400 steps of 1 ms, 0.2 GB/s of 3 s each."""
    found = needs(COSTS, BANK)
    assert event_us(COSTS, BANK) == pytest.approx(10.1)
    assert found.load_cores == pytest.approx(0.202)
    assert found.step_cores == pytest.approx(0.4)
    assert found.snapshot_cores == pytest.approx(0.6)
    assert found.snapshot_pause_s == pytest.approx(1.0)
    assert found.worker_load == pytest.approx(1.202 / 10)


def test_memory_is_of_ten_workers_that_carry_eleven() -> None:
    """By hand: the process, four shards, a million customers, one shard's snapshot twice."""
    found = needs(COSTS, BANK)
    assert found.worker_bytes == pytest.approx(200e6 + 4 * 10e6 + 2e9 + 2 * 250_000 * 2_000)
    assert found.total_bytes == pytest.approx(11 * found.worker_bytes)


def test_brokers_take_every_byte_as_often_as_it_is_replicated() -> None:
    """By hand: 8 MB/s of input, 40 of snapshots, 0.12 of output, thrice, in 100 MB/s each."""
    found = needs(COSTS, BANK)
    assert found.input_bytes_per_s == pytest.approx(8e6)
    assert found.snapshot_bytes_per_s == pytest.approx(40e6)
    assert found.output_bytes_per_s == pytest.approx(400 * 200 + 2 * 20 * 1_000)
    assert found.written_bytes_per_s == pytest.approx(3 * 48.12e6)
    assert found.brokers == 3
    kept = 4e6 * 7 * 86_400 + 0.06e6 * 30 * 86_400 + 4 * 4e9
    assert found.disk_bytes == pytest.approx(3 * kept)


def test_recovery_is_reading_and_replaying() -> None:
    """By hand: 1.818 GB of 7 s each, 4 s at once, 181,818 events at 50,000 a second."""
    found = needs(COSTS, BANK)
    assert found.recovery_read_s == pytest.approx(20 / 11 * 7)
    assert found.recovery_replay_s == pytest.approx(4 + 100 * 20_000 / 11 / 50_000)
    assert found.recovery_s == found.recovery_read_s + found.recovery_replay_s


def test_what_more_of_something_does() -> None:
    """More workers recover sooner, rarer snapshots cost less and replay more."""
    more = needs(COSTS, replace(BANK, workers=22))
    rarer = needs(COSTS, replace(BANK, snapshot_interval_s=200))
    now = needs(COSTS, BANK)
    assert more.recovery_s < now.recovery_s
    assert more.total_bytes > now.total_bytes
    assert rarer.snapshot_cores < now.snapshot_cores
    assert rarer.recovery_replay_s > now.recovery_replay_s
    assert needs(COSTS, replace(BANK, extra_rules=100)).load_cores > now.load_cores


def test_steps_are_never_more_than_events() -> None:
    """A bank with little to do takes a step for each event, not for each tick."""
    found = needs(COSTS, replace(BANK, events_per_s=5))
    assert found.transactions_per_s == 10


@pytest.mark.parametrize(
    ("customers", "partitions"), [(800_000, 1), (1_000_000, 2), (100_000_000, 128)]
)
def test_partitions_keep_the_fullest_shard_within_its_bound(
    customers: int, partitions: int
) -> None:
    """The least power of two that holds all customers, unevenly spread."""
    assert least_partitions(customers, 1_000_000, 1.1) == partitions


def test_the_document_says_what_was_measured_and_computed() -> None:
    """Both tables stand in docs/scaling.md as they are printed."""
    text = (Path(__file__).parents[3] / "docs" / "scaling.md").read_text("utf-8")
    costs = read_costs()
    assert costs_table(costs) in text
    assert needs_table(costs) in text
    assert len(BANKS) == 4
