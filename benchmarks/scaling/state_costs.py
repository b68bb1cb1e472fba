"""What a shard and a customer take in memory and in a snapshot; run as a process of its own.

The customers of the snapshot are the simulator's, with weeks of history, because what has been
drawn from a benchmark's even hand compresses differently.
"""

import gc
import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import cramjam
import msgspec
from confluent_kafka import Producer

from benchmarks.configs import shipped
from benchmarks.events import DAY_MS, Record, events, steps
from sentinel.engine import Configuration, Engine, warm_up
from sentinel.shard.recovery import ShardState, snapshot_of
from sentinel.shard.snapshot import chunks_of
from sentinel.simulate import Simulation

_MANY, _EVENTS_EACH, _STEP = 200_000, 2, 10_000
_LIVED, _DAYS, _ROUNDS = 4_000, 30.0, 5
_LEVEL = 3  # what librdkafka takes where nothing is said


def measure(end_ms: int) -> dict[str, float]:
    """Bytes, threads, seconds a GB, ratios."""
    configuration = Configuration.parse(shipped())
    warm_up(configuration)
    found = {"process_bytes": _resident()}
    empty = [Engine(configuration) for _ in range(8)]
    found["empty_shard_bytes"] = (_resident() - found["process_bytes"]) / len(empty)
    del empty
    found |= _producer()
    before = _resident()
    large = _filled(configuration, end_ms)
    found["bytes_per_customer"] = (_resident() - before) / _MANY
    return found | _snapshot(configuration, large) | _compressed(configuration, end_ms)


def _filled(configuration: Configuration, end_ms: int) -> Engine:
    engine = Engine(configuration)
    count = _MANY * _EVENTS_EACH
    for step in steps(events(count, customers=_MANY, end_ms=end_ms, everyone=True), _STEP):
        engine.process(step)
    return engine


def _producer() -> dict[str, float]:
    """Bytes and threads of a transactional producer against three brokers, one a shard."""
    cluster = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 3})
    found = cluster.list_topics(timeout=10).brokers.values()
    address = ",".join(f"{each.host}:{each.port}" for each in found)
    bytes_before, threads_before = _resident(), _threads()
    producers = [
        Producer({"bootstrap.servers": address, "transactional.id": f"shard-{i}"}) for i in range(8)
    ]
    for producer in producers:
        producer.init_transactions(10)
    threads = _threads() - threads_before
    return {
        "producer_bytes": (_resident() - bytes_before) / len(producers),
        "producer_threads": threads / len(producers),
    }


def _snapshot(configuration: Configuration, engine: Engine) -> dict[str, float]:
    """Size, seconds a GB there and back, and how many times its size it takes meanwhile."""
    snapshot_s, restored_s = [], []
    before = _resident()
    _reset_peak()
    data = engine.snapshot()
    size = sum(map(len, data.values()))
    times = (_peak() - before) / size
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        data = engine.snapshot()
        snapshot_s.append(time.perf_counter() - started)
        other = Engine(configuration)
        started = time.perf_counter()
        other.restore(data)
        restored_s.append(time.perf_counter() - started)
        del other
    gb = size / 1e9
    return {
        "snapshot_bytes_per_customer": size / _MANY,
        "snapshot_s_per_gb": median(snapshot_s) / gb,
        "restore_s_per_gb": median(restored_s) / gb,
        "snapshot_copies": times,
    }


def _compressed(configuration: Configuration, end_ms: int) -> dict[str, float]:
    """Zstandard over the chunks of a snapshot of customers who have lived for weeks."""
    chunks = chunks_lived(configuration, end_ms)
    size = sum(map(len, chunks))
    packed_s, unpacked_s, packed = [], [], []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        packed = [bytes(cramjam.zstd.compress(chunk, level=_LEVEL)) for chunk in chunks]
        middle = time.perf_counter()
        for each in packed:
            cramjam.zstd.decompress(each)
        packed_s.append(middle - started)
        unpacked_s.append(time.perf_counter() - middle)
    gb = size / 1e9
    return {
        "compression_ratio": size / sum(map(len, packed)),
        "compress_s_per_gb": median(packed_s) / gb,
        "decompress_s_per_gb": median(unpacked_s) / gb,
    }


def chunks_lived(configuration: Configuration, end_ms: int) -> list[bytes]:
    """The chunks of a snapshot after weeks of the simulator's customers."""
    engine = Engine(configuration)
    for step in steps(_lives(end_ms), _STEP):
        engine.process(step)
    return list(chunks_of(snapshot_of(ShardState(engine))))


def _lives(end_ms: int) -> Iterator[Record]:
    for item in Simulation(customers=_LIVED, start_ms=end_ms - int(_DAYS * DAY_MS), days=_DAYS):
        value, time_ms = msgspec.json.encode(item.event), item.event.event_time
        assert isinstance(time_ms, int)
        yield Record(item.stream, item.event.customer_id.encode(), value, time_ms)


def _resident() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
