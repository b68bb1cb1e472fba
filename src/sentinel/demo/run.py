"""Run the demo: history at once, then events and fraud at a steady rate, shown live."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from rich.console import Console
from rich.live import Live

from sentinel.demo.analyst import Analyst
from sentinel.demo.child import Child
from sentinel.demo.cluster import NAME, Cluster
from sentinel.demo.desk import DemoDesk
from sentinel.demo.view import lines, screen, summary
from sentinel.demo.watch import AlertFeed, Figures, read_figures
from sentinel.kafka.security import client_config
from sentinel.kafka.topics import Topics
from sentinel.model.alert import Tier
from sentinel.model.events import Stream
from sentinel.settings import Settings
from sentinel.simulate import Item, Simulation
from sentinel.simulate.feed import Feed

_CUSTOMERS, _REGULARS = 30_000, 250  # only regulars have a history and are attacked
_HISTORY_DAYS = 14
_ATTACK_EVERY_S = 1.5
_SQUEEZE_MS = 6_000  # nobody watches a demo for the hours of a scenario
_JUNK_EVERY = 700  # records
_NAP_S = 0.1  # ten batches a second: each costs every shard a step, and two cores must do
_TRIM_EVERY_S = 5.0
_MAX_LAG = 20_000  # the built-in cluster drops old records: stay close to the worker
_JUNK = (b"not json", b'{"event_id": "x"}', b"")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """One run; ``seconds`` None runs until interrupted."""

    def __init__(
        self, console: Console, seconds: float | None, events_per_second: float, seed: int
    ) -> None:
        self._console, self._seconds = console, seconds
        self._rate, self._seed = events_per_second, seed
        self._figures = Figures()
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._analyst: Analyst | None = None

    def run(self) -> bool:
        """Run until the end; returns whether alerts of all four tiers were seen.

        Raises ChildError, ClusterError, and KeyboardInterrupt after everything was stopped.
        """
        console = self._console
        console.print(
            f"starting {NAME}, one worker, a simulator, history and desk", highlight=False
        )
        cluster = Cluster()
        settings = Settings(brokers=cluster.address, web_port=_free_port())
        topics = Topics(settings.topic_prefix)
        cluster.create(topics.all())
        worker = Child("worker", settings)
        desk = DemoDesk(settings, _free_port)
        feed = AlertFeed(settings)
        started = time.monotonic()
        try:
            worker.wait_ready(lambda text: console.print(text, highlight=False))
            desk.wait_ready(lambda text: console.print(text, highlight=False))
            console.print(f"metrics: {worker.url}/metrics", highlight=False)
            console.print(
                f"desk:    [link]{desk.url}[/link]  user {desk.user}, password {desk.password}",
                highlight=False,
            )
            started = time.monotonic()
            player = threading.Thread(target=self._play, args=(settings, topics), daemon=True)
            player.start()
            trim = partial(cluster.trim, topics.inputs.values(), settings.app_id)
            self._print_figures(worker, desk, feed, started, trim)
        finally:
            self._stop.set()
            desk.stop()
            worker.stop()
            feed.close()
        summary(console, self._figures, feed, time.monotonic() - started, NAME)
        return all(feed.tiers[tier] for tier in Tier)

    def _play(self, settings: Settings, topics: Topics) -> None:
        """The thread that sends events: history, then live ones with labelled fraud."""
        try:
            client = client_config(settings)
            feed = Feed(client, topics.inputs)
            self._analyst = Analyst(Feed(client, topics.inputs))
            simulation = Simulation(
                customers=_CUSTOMERS,
                regulars=_REGULARS,
                start_ms=_now_ms() + 2_000,
                seed=self._seed,
                days=None,
                history_days=_HISTORY_DAYS,
                events_per_second=self._rate,
                attacks_per_day=86_400 / _ATTACK_EVERY_S,
                squeeze_ms=_SQUEEZE_MS,
            )
            blocks = self._with_junk(feed, simulation.blocks())
            feed.play(blocks, _now_ms, self._stop, self._hold, _NAP_S)
        except Exception as error:  # noqa: BLE001 - shown by the watching thread
            self._failure = error

    def _with_junk(self, feed: Feed, blocks: Iterable[list[Item]]) -> Iterator[list[Item]]:
        """The items; between them sends some records that are not events, for the dead letters."""
        items = (item for block in blocks for item in block)
        for number in itertools.count():
            yield list(itertools.islice(items, _JUNK_EVERY))
            feed.send(Stream.TRANSACTION, "junk", _JUNK[number % len(_JUNK)])

    def _hold(self) -> None:
        while self._figures.lag > _MAX_LAG and not self._stop.wait(0.05):
            pass

    def _print_figures(
        self,
        worker: Child,
        desk: DemoDesk,
        feed: AlertFeed,
        started: float,
        trim: Callable[[], None],
    ) -> None:
        console = self._console
        before, before_at, rate = 0, started, 0.0
        trimmed_at = started
        plain = not console.is_terminal
        with Live(
            console=console, refresh_per_second=4, transient=True, auto_refresh=False
        ) as live:
            while self._seconds is None or time.monotonic() - started < self._seconds:
                worker.check()
                desk.check()
                if self._failure is not None:
                    raise self._failure
                alerts = feed.poll()
                if self._analyst is not None:
                    self._analyst.look(alerts)
                if metrics := worker.metrics():  # a worker that is busy may not answer in time
                    self._figures = read_figures(metrics)
                now, events = time.monotonic(), sum(self._figures.events.values())
                if now - before_at >= 1:
                    rate, before, before_at = (events - before) / (now - before_at), events, now
                if now - trimmed_at >= _TRIM_EVERY_S:
                    trim()
                    trimmed_at = now
                if plain:
                    for line in lines(alerts):
                        console.print(line, highlight=False, markup=False, soft_wrap=True)
                else:
                    left = "" if self._seconds is None else f"{self._seconds - now + started:.0f} s"
                    live.update(
                        screen(self._figures, feed, rate, desk.invitation, left), refresh=True
                    )
                self._stop.wait(0.25)
        feed.poll()
