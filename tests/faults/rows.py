"""The rows of the fault suite, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.faults import rows_input, rows_kept, rows_link, rows_outage, rows_process
from tests.faults.proxy import Link
from tests.faults.scene import Lab, Result

from sentinel.shard.failpoint import Failpoint

KILLS = 20
OTHERS = 5
_BRIEF_KILLS = (Failpoint.IN_TRANSACTION, Failpoint.AFTER_COMMIT, Failpoint.IN_SNAPSHOT)


@dataclass(frozen=True)
class Row:
    """One fault: what plays it, and how often in a full and in a brief run."""

    play: Callable[[Lab, int, int], Result]
    what: str
    repeats: int = OTHERS
    brief: int = 0

    def run(self, lab: Lab, seed: int, *, full: bool) -> Result:
        """Play it."""
        return self.play(lab, seed, self.repeats if full else max(self.brief, 1))


def _kill(name: Failpoint, what: str) -> Row:
    brief = 1 if name in _BRIEF_KILLS else 0
    return Row(partial(rows_process.failpoint, name), f"kill -9 {what}", KILLS, brief)


ROWS: dict[str, Row] = {
    "after_read": _kill(Failpoint.AFTER_READ, "after a step's records are taken"),
    "after_process": _kill(Failpoint.AFTER_PROCESS, "after the engine has moved on"),
    "in_transaction": _kill(Failpoint.IN_TRANSACTION, "within the transaction"),
    "after_commit": _kill(Failpoint.AFTER_COMMIT, "after the commit, before the ack"),
    "in_snapshot": _kill(Failpoint.IN_SNAPSHOT, "while a snapshot is written"),
    "in_recovery": _kill(Failpoint.IN_RECOVERY, "while the journal is replayed"),
    "random_kills": Row(
        rows_process.random_kills, "kill -9 of any of 3 workers at any moment", KILLS, 3
    ),
    "sigterm": Row(rows_process.sigterm, "SIGTERM in the middle of the load", KILLS),
    "exception": Row(rows_process.exception, "an exception in a step's transaction", KILLS),
    "sigstop": Row(
        rows_process.sigstop, "SIGSTOP past the session timeout, then SIGCONT", OTHERS, 1
    ),
    "rebalance_storm": Row(rows_process.storm, "2 and 3 workers in turn, without end", KILLS),
    "link_cut": Row(partial(rows_link.link, Link.CUT), "link cut, and mended"),
    "link_half_open": Row(partial(rows_link.link, Link.HALF_OPEN), "link half-open, all swallowed"),
    "link_slow": Row(partial(rows_link.link, Link.SLOW), "link slow: 50 ms and 200 kB/s"),
    "link_no_commit_answers": Row(
        partial(rows_link.link, Link.NO_COMMIT_ANSWERS), "only commit responses lost", OTHERS, 1
    ),
    "broker_kill": Row(rows_link.broker_kill, "broker killed and started again"),
    "broker_kill_in_recovery": Row(
        rows_link.broker_kill_in_recovery, "broker killed while a worker recovers"
    ),
    "disk_full": Row(rows_link.disk_full, "disk full at the broker", 2),
    "slow_and_burst": Row(rows_link.burst, "slow consumer, then a burst"),
    "poison": Row(rows_input.poison, "half of all messages broken, and kill -9", OTHERS, 1),
    "late_shuffled": Row(rows_input.shuffled, "events late and shuffled, and kill -9"),
    "clock_skew": Row(rows_input.skew, "producers' clocks ±1 h, and kill -9"),
    "timers_downtime": Row(rows_input.timers, "deadlines pass while no worker runs", 2),
    "outage_2h": Row(
        partial(rows_outage.outage, "outage_2h", 2.0), "two hours without a worker", 1
    ),
    "outage_3d": Row(
        partial(rows_outage.outage, "outage_3d", 72.0), "three days without a worker", 1
    ),
    "outage_partial": Row(
        rows_outage.partial, "one of two workers catches up, the other joins in the middle", 1
    ),
    "outage_killed": Row(
        partial(rows_outage.outage, "outage_killed", 24.0),
        "kill -9 while a day without a worker is caught up with",
        OTHERS,
        2,
    ),
    "outage_hostile": Row(
        partial(rows_outage.outage, "outage_hostile", 2.0, is_hostile=True),
        "two hours without a worker, hostile records on every topic, half of the events dated now",
        1,
        1,
    ),
    "customers_uniform": Row(
        partial(rows_input.customers, None), "1,000,000 events of as many customers, kill -9", 1
    ),
    "customers_zipf": Row(partial(rows_input.customers, 1.1), "the same by Zipf's law, kill -9", 1),
    "torn_snapshot": Row(rows_kept.torn_snapshot, "the newest snapshot is torn, and kill -9"),
    "config_published": Row(
        rows_kept.config_published, "a configuration published under load, and kill -9"
    ),
    "producer_duplicates": Row(
        rows_kept.duplicates, "events sent twice by their producer, and kill -9"
    ),
}
