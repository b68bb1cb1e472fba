"""From what one event, customer, step and shard cost to what a bank needs: pure functions.

Everything is an upper estimate or a plain product; docs/scaling.md says each step in words.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured; names end in their unit."""

    worker_events_per_s: float
    us_per_step: float
    us_per_event_and_rule: float
    us_per_alert: float
    alert_bytes: float
    record_bytes: float
    journal_bytes: float
    process_bytes: float
    empty_shard_bytes: float
    producer_bytes: float
    bytes_per_customer: float
    snapshot_bytes_per_customer: float
    snapshot_s_per_gb: float
    restore_s_per_gb: float
    compress_s_per_gb: float
    compression_ratio: float
    snapshot_copies: float
    read_s_per_gb: float
    replay_events_per_s: float
    recovery_fixed_s: float


@dataclass(frozen=True, slots=True)
class Bank:
    """What is asked for, and what is chosen; none of it is measured."""

    customers: int = 100_000_000
    events_per_s: float = 50_000  # the mean
    peak_factor: float = 3
    alerts_per_1000_events: float = 1
    extra_rules: int = 0  # beyond the shipped ones
    partitions: int = 256
    workers: int = 32  # processes, each with one core; at least two
    snapshot_interval_s: float = 300
    steps_per_s: float = 20  # of a shard, at most
    busiest_share: float = 1.1  # customers of the fullest worker, over the mean
    replication: int = 3
    input_retention_s: float = 7 * 86_400
    output_retention_s: float = 30 * 86_400
    broker_bytes_per_s: float = 100e6  # what one broker shall write at most

    @property
    def peak_events_per_s(self) -> float:
        """Events per second in the busiest hours."""
        return self.events_per_s * self.peak_factor

    @property
    def fullest_shard_customers(self) -> float:
        """Customers of the fullest shard."""
        return self.customers / self.partitions * self.busiest_share

    @property
    def workers_left(self) -> int:
        """The workers while one is down; they have its shards."""
        return self.workers - 1


@dataclass(frozen=True, slots=True)
class Needs:
    """What the bank needs; names end in their unit."""

    customers_per_shard: float
    load_cores: float
    step_cores: float
    snapshot_cores: float
    snapshot_pause_s: float
    worker_load: float
    worker_bytes: float
    total_bytes: float
    input_bytes_per_s: float
    snapshot_raw_bytes_per_s: float
    snapshot_bytes_per_s: float
    output_bytes_per_s: float
    written_bytes_per_s: float
    brokers: int
    disk_bytes: float
    transactions_per_s: float
    recovery_read_s: float
    recovery_replay_s: float
    recovery_s: float


def event_us(costs: Costs, bank: Bank) -> float:
    """Microseconds of one core that an event takes, from Kafka to committed alerts."""
    alerts = bank.alerts_per_1000_events / 1000
    rules = bank.extra_rules * costs.us_per_event_and_rule
    return 1e6 / costs.worker_events_per_s + rules + alerts * costs.us_per_alert


def needs(costs: Costs, bank: Bank) -> Needs:
    """Workers' load and memory with one of them down, brokers' bytes, and time of recovery.

    Recovery is that of a worker that starts again and has all its shards to itself.
    """
    peak_per_s = bank.peak_events_per_s
    steps_per_s = min(peak_per_s, bank.partitions * bank.steps_per_s)
    load_cores = peak_per_s * event_us(costs, bank) / 1e6
    step_cores = steps_per_s * costs.us_per_step / 1e6

    raw_per_s = bank.customers * costs.snapshot_bytes_per_customer / bank.snapshot_interval_s
    packing_s = costs.snapshot_s_per_gb + costs.compress_s_per_gb
    snapshot_cores = raw_per_s / 1e9 * packing_s
    load = load_cores + step_cores + snapshot_cores
    worker_bytes = _worker_bytes(costs, bank)

    alerts_per_s = peak_per_s * bank.alerts_per_1000_events / 1000
    input_per_s = peak_per_s * costs.record_bytes
    packed_per_s = raw_per_s / costs.compression_ratio
    # An alert goes to the topic of all and to its tier's.
    output_per_s = steps_per_s * costs.journal_bytes + 2 * alerts_per_s * costs.alert_bytes
    written_per_s = (input_per_s + packed_per_s + output_per_s) * bank.replication
    least = bank.replication
    brokers = max(least, math.ceil(written_per_s / bank.broker_bytes_per_s) + 1)

    read_s, replay_s = _recovery_s(costs, bank)
    return Needs(
        customers_per_shard=bank.customers / bank.partitions,
        load_cores=load_cores,
        step_cores=step_cores,
        snapshot_cores=snapshot_cores,
        snapshot_pause_s=bank.fullest_shard_customers
        * costs.snapshot_bytes_per_customer
        / 1e9
        * costs.snapshot_s_per_gb,
        worker_load=load / bank.workers_left,
        worker_bytes=worker_bytes,
        total_bytes=worker_bytes * bank.workers,
        input_bytes_per_s=input_per_s,
        snapshot_raw_bytes_per_s=raw_per_s,
        snapshot_bytes_per_s=packed_per_s,
        output_bytes_per_s=output_per_s,
        written_bytes_per_s=written_per_s,
        brokers=brokers,
        disk_bytes=_disk_bytes(costs, bank, input_per_s, output_per_s),
        transactions_per_s=steps_per_s,
        recovery_read_s=read_s,
        recovery_replay_s=replay_s,
        recovery_s=read_s + replay_s,
    )


def _worker_bytes(costs: Costs, bank: Bank) -> float:
    """Memory of the fullest worker while one is down, at the time of a snapshot."""
    shards = math.ceil(bank.partitions / bank.workers_left)
    on_worker = bank.customers / bank.workers_left * bank.busiest_share
    return (
        costs.process_bytes
        + shards * (costs.empty_shard_bytes + costs.producer_bytes)
        + on_worker * costs.bytes_per_customer
        + bank.fullest_shard_customers * costs.snapshot_bytes_per_customer * costs.snapshot_copies
    )


def _disk_bytes(costs: Costs, bank: Bank, input_per_s: float, output_per_s: float) -> float:
    """What the brokers keep; the bytes per second are those of the peak."""
    snapshot_bytes = bank.customers * costs.snapshot_bytes_per_customer
    return bank.replication * (
        input_per_s / bank.peak_factor * bank.input_retention_s
        + output_per_s / bank.peak_factor * bank.output_retention_s
        # Two whole snapshots, and as much again that waits to be compacted away.
        + 4 * snapshot_bytes / costs.compression_ratio
    )


def _recovery_s(costs: Costs, bank: Bank) -> tuple[float, float]:
    """Seconds that a worker reads snapshots, and that it replays its journal."""
    customers = bank.customers / bank.workers * bank.busiest_share
    gb = customers * costs.snapshot_bytes_per_customer / 1e9
    missed = bank.snapshot_interval_s * bank.peak_events_per_s / bank.workers
    return (
        gb * (costs.read_s_per_gb + costs.restore_s_per_gb),
        costs.recovery_fixed_s + missed / costs.replay_events_per_s,
    )


def least_partitions(customers: int, customers_per_shard: int, busiest_share: float) -> int:
    """The power of two that keeps the fullest shard below ``customers_per_shard``."""
    return 1 << math.ceil(math.log2(customers * busiest_share / customers_per_shard))
