"""One seed, one history of faults: events come, workers fail, and in the end all must be exact."""

import random
from collections import Counter
from dataclasses import dataclass, field

import msgspec
from tests.simulation.check import Fault, check
from tests.simulation.configuration import configurations
from tests.simulation.log import (
    BROADCAST,
    KEYED,
    TOPICS,
    CrashError,
    Entry,
    Log,
    LogBroadcast,
    LogHistory,
    LogSink,
)

from sentinel.kafka.producer import ProducerFatalError, TransactionAbortedError
from sentinel.kafka.records import Fetched
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.shard import snapshot as form
from sentinel.shard.inbox import ALIGNED, Due, Inbox, PendingBatch
from sentinel.shard.recovery import ShardState, recover, snapshot_of
from sentinel.shard.stepper import CommittedStep, GapError, Stepper

_START_MS = 1_700_000_000_000
_FAULTS = ("in_transaction", "after_commit", "abort")
_HOUR_MS = 3_600_000
_LOSS = 0.01  # of what is fetched, on its way through the client
_ACKED = 0.8
_PATIENCE = 60  # turns until somebody restarts a worker that lacks what was handed over


@dataclass
class Worker:
    """One life of a process: memory that a crash takes away."""

    epoch: int
    stepper: Stepper
    sink: LogSink
    positions: dict[Stream | Control, int]
    inbox: Inbox = field(default_factory=Inbox)
    arrivals: list[Fetched] = field(default_factory=list)
    """What came into the inbox since the last step."""
    carried: Due | None = None
    """What an aborted step was to process."""
    handed_over: dict[Stream | Control, int] = field(default_factory=dict)
    arrived: dict[Stream | Control, int] = field(default_factory=dict)
    """Up to which offsets chunks were fetched, and came in: what was lost on its way did not."""
    lost: bool = False
    """Whether the client let something go between the broker and the shard."""


class World:
    """The history of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._draw = random.Random(seed)
        self._loss = random.Random(-seed - 1)  # of its own: seeds keep the rest of their histories
        self.log = Log(configurations=[configurations()[0]])
        self.happened: Counter[str] = Counter()
        self._now_ms = _START_MS
        self._skew_ms = 0
        self._is_steady = seed % 2 == 1
        """Whether configuration and clock stay as they are."""
        self._as_undisturbed = True
        """Whether the alerts have to be those of an undisturbed run."""
        self._offsets = dict.fromkeys(TOPICS, 0)
        self._ids: list[tuple[Stream, bytes]] = []
        self._numbers = 0
        self._epochs = 0
        self._worker: Worker | None = None
        self._zombies: list[Worker] = []

    def run(self, turns: int = 40) -> None:
        """Let the seed decide; raises Fault where the promise does not hold."""
        for _ in range(turns):
            self._turn()
        self._settle()
        assert self._worker is not None
        engine = self._worker.stepper.state.engine
        self.happened.update(check(self.log, engine, as_undisturbed=self._as_undisturbed))

    def _turn(self) -> None:
        draw = self._draw
        self._now_ms += draw.choice((50, 500, 5_000, 60_000, 600_000))
        for _ in range(draw.randrange(4)):
            self._produce()
        chance = draw.random()
        if chance < 0.06:
            self._crash("crash")
        elif chance < 0.10 and self._worker is not None:
            self._zombies.append(self._worker)  # stopped, not dead: it will go on later
            self._worker = None
            self.happened["stalled"] += 1
        elif chance < 0.14 and not self._is_steady:
            self._skew_ms = draw.choice((-_HOUR_MS, 0, 0, _HOUR_MS))
            self._as_undisturbed &= not self._skew_ms
        elif chance < 0.18 and not self._is_steady:
            other = draw.choice(configurations())
            self.log.configurations.append(other)
            self.happened["published"] += 1
            self._as_undisturbed = False
        elif chance > 0.98:
            self._outage()
        elif chance < 0.22 and self._zombies:
            self._wake(self._zombies.pop())
        if self._worker is None:
            self._start()
        if self._worker is not None:
            self._fetch(self._worker)
            fault = draw.choice(_FAULTS) if draw.random() < 0.12 else ""
            self._step(self._worker, fault)
        if self._worker is not None and draw.random() < 0.15:
            self._snapshot(self._worker)

    def _outage(self) -> None:
        """For hours nobody works, and life goes on."""
        self._crash("outage")
        self._zombies.clear()
        for _ in range(self._draw.randrange(4, 12)):
            self._now_ms += self._draw.choice((5_000, 60_000, 600_000, 3 * _HOUR_MS))
            for _ in range(self._draw.randrange(1, 6)):
                self._produce()

    def _produce(self) -> None:
        draw = self._draw
        self._numbers += 1
        if self._ids and draw.random() < 0.08:  # a producer sends again
            stream, value = draw.choice(self._ids)
            self._append(stream, value)
            self.happened["sent twice"] += 1
            return
        late = draw.choice((0, 0, 0, 90_000, 4_000_000)) if draw.random() < 0.3 else 0
        customer, moment = f"c{draw.randrange(8)}", max(0, self._now_ms - late)
        kind = draw.random()
        if kind < 0.55:
            value = (
                f'{{"event_id":"e{self._numbers}","event_time":{moment},'
                f'"customer_id":"{customer}","kind":"transfer","direction":"debit",'
                f'"amount":{draw.randrange(1, 600)},"currency":"CNY","status":"approved"}}'
            ).encode()
            self._ids.append((Stream.TRANSACTION, value))
            self._append(Stream.TRANSACTION, value)
        elif kind < 0.88:
            success = "true" if draw.random() < 0.4 else "false"
            value = (
                f'{{"event_id":"e{self._numbers}","event_time":{moment},'
                f'"customer_id":"{customer}","kind":"login","success":{success},'
                f'"device_id":"d{draw.randrange(3)}"}}'
            ).encode()
            self._ids.append((Stream.LOGIN, value))
            self._append(Stream.LOGIN, value)
        elif kind < 0.92:
            self._append(Stream.LOGIN, b'{"event_id": 3')
        elif kind < 0.97 and self.log.alerts:
            alert = msgspec.json.decode(draw.choice(self.log.alerts))["data"]
            kinds = ("acknowledge", "disposition", "note", "label")
            self._append(
                Control.RESPONSE,
                (
                    f'{{"response_id":"r{self._numbers}","event_time":{self._now_ms},'
                    f'"key":"{alert["key"]}","alert_id":"{alert["alert_id"]}",'
                    f'"kind":"{draw.choice(kinds)}","actor":"a","verdict":"false_positive",'
                    f'"event_id":"{alert["trigger"]["event_id"]}"}}'
                ).encode(),
            )
        else:
            self._append(
                Control.SILENCE,
                (
                    f'{{"silence_id":"s{draw.randrange(2)}","matchers":["risk=\\"market\\""],'
                    f'"starts_at":{self._now_ms},"ends_at":{self._now_ms + 600_000},'
                    f'"created_by":"a","comment":"c"}}'
                ).encode(),
            )

    def _append(self, stream: Stream | Control, value: bytes) -> None:
        if self._draw.random() < 0.1:
            self._offsets[stream] += 1  # a marker of a producer's transaction
        self.log.inputs[stream].append(Entry(self._offsets[stream], self._now_ms, value))
        self._offsets[stream] += 1

    def _start(self) -> None:
        """A fresh process: it fences who was before, recovers, and reads from the group's place."""
        self._epochs += 1
        self.log.owner = self.log.snapshot_owner = self._epochs
        dies = self._draw.randrange(6) if self._draw.random() < 0.1 else None
        try:
            state = self._recovered(dies)
        except CrashError:
            self.happened["crash in recovery"] += 1
            return
        sink = LogSink(self.log, self._epochs)
        stepper = Stepper(state, sink, self._broadcasts(), None)
        self._worker = Worker(self._epochs, stepper, sink, dict(self.log.positions))
        reached_ms = {source: state.engine.appended(source) for source in ALIGNED}
        self._worker.inbox.start(reached_ms, state.engine.stream_ms)
        self.happened["started"] += 1

    def _broadcasts(self) -> list[LogBroadcast]:
        return [LogBroadcast(self.log, control) for control in BROADCAST]

    def _recovered(self, dies: int | None = None) -> ShardState:
        history = LogHistory(self.log, dies)
        return recover(history, self.log.configurations[-1], lambda *_: None)

    def _fetch(self, worker: Worker) -> None:
        """Some of what is there, from some of the topics; now and then it begins again."""
        if self._draw.random() < 0.05:  # a rebalance: back to what was acked; the inbox stays
            worker.positions = dict(self.log.positions)
            worker.handed_over = {}  # it begins again where the group's position is
            self.happened["rewound"] += 1
        for stream in KEYED:
            if self._draw.random() < 0.7:
                start = worker.positions.get(stream, 0)
                found = self.log.fetched(stream, start, self._draw.randrange(1, 6))
                if found is None:
                    continue
                worker.positions[stream] = worker.handed_over[stream] = found.end
                if self._loss.random() < _LOSS:
                    worker.lost = True
                    self.happened["lost on its way"] += 1
                else:
                    self._put(worker, stream, found)

    def _put(self, worker: Worker, stream: Stream | Control, found: Fetched) -> None:
        """Hand a chunk to the inbox; acks reach the group now and then."""

        def ack() -> None:
            if self._loss.random() < _ACKED:
                self.log.positions[stream] = max(self.log.positions.get(stream, 0), found.end)

        worker.inbox.put(PendingBatch(stream, found, ack), self._now_ms + self._skew_ms)
        worker.arrivals.append(found)
        worker.arrived[stream] = max(worker.arrived.get(stream, 0), found.end)

    def _due(self, worker: Worker) -> Due:
        """What makes the next step, as a shard decides it."""
        while worker.arrivals:
            worker.stepper.admit(worker.arrivals.pop(0))
        engine = worker.stepper.state.engine
        wall_ms = self._now_ms + self._skew_ms
        bound_ms = engine.bound_ms(wall_ms) if engine.reads_ahead else None

        def has_ended(source: Stream | Control) -> bool:
            entries = self.log.inputs.get(source)
            is_read = not entries or worker.positions.get(source, 0) > entries[-1].offset
            return is_read and worker.arrived.get(source, 0) >= worker.handed_over.get(source, 0)

        due = worker.carried or worker.inbox.next_step(has_ended, wall_ms, bound_ms)
        if worker.inbox.given_up:  # turns are minutes apart: more than an input is waited for
            self._as_undisturbed = False
        return due

    def _process(self, worker: Worker) -> CommittedStep | None:
        """Process one step of what the inbox holds."""
        wall_ms, due = self._now_ms + self._skew_ms, self._due(worker)
        worker.carried = due
        done = worker.stepper.process(due, wall_ms, self.log.configurations[-1])
        worker.carried = None
        for each in due.acks:
            each()
        return done

    def _lacks(self, worker: Worker) -> bool:
        """Whether something that was handed over has not come in."""
        return any(
            position > max(worker.stepper.received(TOPICS[stream]), worker.arrived.get(stream, 0))
            for stream, position in worker.positions.items()
        )

    def _step(self, worker: Worker, fault: str) -> None:
        worker.sink.fault = fault
        try:
            self._process(worker)
        except CrashError:
            self._crash(fault)
        except GapError:
            if not worker.lost:
                raise
            self._crash("gap found")
        except TransactionAbortedError:  # as the shard does: recover, then the same chunks again
            self.happened["aborted"] += 1
            state = self._recovered()
            worker.stepper = Stepper(state, worker.sink, self._broadcasts(), None, worker.stepper)
        worker.sink.fault = ""

    def _snapshot(self, worker: Worker) -> None:
        snapshot = snapshot_of(worker.stepper.state)
        chunks = list(form.chunks_of(snapshot))
        manifest = form.manifest_of(snapshot, 0)
        if self._draw.random() < 0.2:
            self._crash("crash in snapshot")  # its transaction is never committed
            return
        if self._draw.random() < 0.1:
            at = self._draw.randrange(len(chunks[0]))
            chunks[0] = chunks[0][:at] + bytes([chunks[0][at] ^ 255]) + chunks[0][at + 1 :]
            self.happened["torn snapshot"] += 1
        self.log.snapshots = [*self.log.snapshots, (manifest, chunks)][-form.KEPT :]
        self.happened["snapshot"] += 1

    def _crash(self, how: str) -> None:
        if self._worker is not None:
            self.happened[how] += 1
        self._worker = None

    def _wake(self, zombie: Worker) -> None:
        """A process that was stopped goes on, not knowing that another took over."""
        fenced = zombie.epoch != self.log.owner
        before = len(self.log.journal)
        self._fetch(zombie)
        try:
            done = self._process(zombie)
        except ProducerFatalError:
            self.happened["zombie fenced"] += 1
            return
        except GapError:  # its group went on without it: what it lacks is not lost
            if not fenced and not zombie.lost:
                raise
            return
        if fenced and (done is not None or len(self.log.journal) != before):
            raise Fault("a zombie committed")
        if not fenced:  # nobody took over meanwhile: it still owns the shard
            self._crash("replaced")
            self._worker = zombie

    def _settle(self) -> None:
        """No more faults: everything that was produced is taken in."""
        self._skew_ms = 0
        self._now_ms += 120_000  # whoever tells nothing is given up
        lacking = 0
        for _ in range(500):
            if self._worker is None:
                self._start()
                continue
            worker, news = self._worker, False
            worker.sink.fault = ""
            lacking = lacking + 1 if self._lacks(worker) else 0
            if lacking:  # what got lost is not waited for without end
                self._now_ms += 1_000
            for stream in KEYED:
                found = self.log.fetched(stream, worker.positions.get(stream, 0), 50)
                if found is not None:
                    self._put(worker, stream, found)
                    worker.positions[stream] = found.end
                    news = True
            try:
                done = self._process(worker)
            except GapError:
                if not worker.lost:
                    raise
                self._crash("gap found")
                continue
            if lacking > _PATIENCE:
                self._crash("ended by the watchdog")
                lacking = 0
            elif not (news or done or lacking):
                if not len(worker.inbox):
                    return
                self._now_ms += 1_000  # a shard waits for others, and not without end
        raise Fault("it never gets to the end")
