"""Whether a history of faults came out as a run without any: the promise of exactly once."""

import msgspec
from tests.faults.undisturbed import undisturbed
from tests.simulation.log import TOPICS, Log, LogHistory, told_of

from sentinel.alerting.cloudevent import decode as decode_alert
from sentinel.alerting.cloudevent import encode as encode_alert
from sentinel.alerting.cloudevent import encode_action, encode_response_outcome
from sentinel.engine import Engine
from sentinel.model.alert import Alert
from sentinel.model.entity import CUSTOMER
from sentinel.model.response import Control
from sentinel.model.signal import Risk
from sentinel.shard.inbox import ALIGNED
from sentinel.shard.journal import StepRecord, decode


class Fault(Exception):  # noqa: N818 - what is wrong, not an error of the simulation
    """The promise is broken."""


def check(log: Log, engine: Engine, *, as_undisturbed: bool) -> list[str]:
    """Raise Fault unless log and engine are those of a run without faults over the same steps.

    Returns what happened in the history: whether it was risky, and ``as_undisturbed`` where the
    alerts have to be, and are, those of an undisturbed run.
    """
    records = [decode(value) for _, value in log.journal]
    _check_ranges(log, records)
    faultless, again = _rerun(log, records)
    alerts = again.alerts
    if alerts != log.alerts:
        raise Fault("the alerts are not those of a run without faults")
    if again.actions != log.actions:
        raise Fault("the actions are not those of a run without faults")
    if again.response_results != log.response_results:
        raise Fault("the response results are not those of a run without faults")
    happened = ["risky"] if b"sim.risky" in b"".join(alerts) else []
    ids = [msgspec.json.decode(value)["id"] for value in alerts]
    if len(set(ids)) != len(ids):
        raise Fault("an alert's revision was said twice")
    if as_undisturbed:
        _check_undisturbed(log)
        happened.append("as undisturbed")
    if faultless.digest() != engine.digest():
        raise Fault("the state is not that of a run without faults")
    return happened


def _check_ranges(log: Log, records: list[StepRecord]) -> None:
    """Every step is journalled once, and every input record is in one step."""
    if [record.number for record in records] != list(range(len(records))):
        raise Fault("steps are missing or doubled")
    for stream, topic in TOPICS.items():
        offsets = [entry.offset for entry in log.inputs[stream]]
        ranges = [record.ranges[topic] for record in records if topic in record.ranges]
        applied = [
            offset for first, last in ranges for offset in offsets if first <= offset <= last
        ]
        if applied != offsets:
            raise Fault(f"{topic}: records were lost or taken twice")


def _rerun(log: Log, records: list[StepRecord]) -> tuple[Engine, Log]:
    """The engine and the outputs of a run without faults over the journalled steps."""
    engine, history, again = Engine(log.configurations[0]), LogHistory(log), Log()
    told: list[bytes] = []
    for record in records:
        if record.config_version != engine.configuration.version:
            if record.number == 0:
                engine = Engine(history.configuration(record.config_version))
            else:
                engine.reconfigure(history.configuration(record.config_version))
        step, _ = history.step(record)
        emitted = engine.process(step).emitted
        again.alerts += map(encode_alert, emitted.alerts)
        again.actions += map(encode_action, emitted.action_requests)
        again.response_results += map(encode_response_outcome, emitted.response_outcomes)
        told += [value for _, value in told_of(emitted)]
    if told != [entry.value for entry in log.inputs[Control.ROLLUP]]:
        raise Fault("owners are told something else than in a run without faults")
    return engine, again


def _check_undisturbed(log: Log) -> None:
    """Customers' alerts are those of a run in which every record was read when appended.

    Shared entities and `sim.risky` are left out: from step to step a shard of this world takes
    minutes, where one of Kafka's takes milliseconds to hear from the others. The rows of
    outages in the fault suite compare them.
    """
    inputs = {
        (source, 0): log.chunk(source, 0, 2**60) for source in ALIGNED if log.inputs.get(source)
    }
    known = {key: chunk for key, chunk in inputs.items() if chunk is not None}
    right = undisturbed(log.configurations[0], 1, known)
    found = [decode_alert(value) for value in log.alerts]
    if _ids(found) != _ids(right):
        raise Fault("the alerts are not those of an undisturbed run")


def _ids(alerts: list[Alert]) -> set[str]:
    of_customers = (alert for alert in alerts if alert.entity.kind == CUSTOMER)
    return {alert.alert_id for alert in of_customers if alert.risk is not Risk.LEGAL}
