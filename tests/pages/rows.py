"""The rows of the delivery fault suite: what is spoiled, when, and what that excuses."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.delivery.receiver import Reply
from tests.pages.ledger import Damage
from tests.pages.process import RESTART_MS, RETRY_LONGEST_MS, TIMEOUT_MS
from tests.pages.receivers import Fault
from tests.pages.stories import CHANNELS, CHAT, HOUR, MINUTE, RED_CHANNELS, RUNG_CHANNEL, SECOND
from tests.pages.world import Spoil, World

FEED_MS = 5 * MINUTE
# The longest story goes on for so long after it opened, and its second rung comes later still.
AFTER_MS = 12 * MINUTE
# The next attempt, those before it in the channel, and the answer.
_SLACK_MS = RETRY_LONGEST_MS + 4 * TIMEOUT_MS
_PAUSE_MS = 60 * SECOND
_OUTBOX_RETRY_MS = 5 * SECOND
_TARGETS = (*RED_CHANNELS, RUNG_CHANNEL, CHAT)


@dataclass(frozen=True)
class Row:
    """``make`` draws what happens: the damage, and what does it."""

    what: str
    make: Callable[[random.Random], tuple[Damage, Spoil]]
    on_postgres: bool = False
    over_tls: bool = False
    flood: int = 0
    ends_it: bool = False  # the row itself ends the pager's process
    end_ms: int = FEED_MS + AFTER_MS


def _span(chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(MINUTE, 4 * MINUTE)
    return start, start + chance.choice((10 * SECOND, 45 * SECOND, 150 * SECOND, 4 * MINUTE))


def _receiver(
    fault: Fault,
    *,
    on: tuple[str, ...] = _TARGETS,
    slack_ms: int = _SLACK_MS,
    asked_until_ms: int = 0,
    refuses: bool = False,
    resends: bool = False,
) -> Callable[[random.Random], tuple[Damage, Spoil]]:
    """One receiver, drawn from ``on``, misbehaves for a while.

    It may have asked to be left alone until ``asked_until_ms``, which is longer.
    """

    def make(chance: random.Random) -> tuple[Damage, Spoil]:
        start, end = _span(chance)
        name = chance.choice(on)
        damage = Damage(
            start,
            max(end, asked_until_ms),
            frozenset({name}),
            slack_ms,
            refuses=refuses,
            resends=resends,
        )

        async def spoil(world: World) -> None:
            receiver = world.receivers[name]
            await world.until(start)
            if fault.way == "unknown":
                world.loop.unknown.add(receiver.host)
            await receiver.misbehave(fault)
            await world.until(end)
            world.loop.unknown.clear()
            await receiver.misbehave(None)

        return damage, spoil

    return make


def _status(
    status: int,
    what: str,
    *,
    slack_ms: int = _SLACK_MS,
    asked_until_ms: int = 0,
    refuses: bool = False,
    **headers: str,
) -> Row:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    make = _receiver(
        Fault(answer=Reply(status, b'{"message":"no"}', named)),
        slack_ms=slack_ms,
        asked_until_ms=asked_until_ms,
        refuses=refuses,
        on=(*RED_CHANNELS, RUNG_CHANNEL),
    )
    return Row(what, make)


def _robot(body: bytes, what: str, slack_ms: int = _SLACK_MS) -> Row:
    return Row(what, _receiver(Fault(answer=Reply(200, body)), on=(CHAT,), slack_ms=slack_ms))


def _global(
    begin: Callable[[World], object],
    end: Callable[[World], object],
    slack_ms: int = _OUTBOX_RETRY_MS + _SLACK_MS,
    span: Callable[[random.Random], tuple[int, int]] = _span,
) -> Callable[[random.Random], tuple[Damage, Spoil]]:
    """Everything waits for a while."""

    def make(chance: random.Random) -> tuple[Damage, Spoil]:
        start, stop = span(chance)
        damage = Damage(start, stop, frozenset(CHANNELS), slack_ms, reads=False, resends=True)

        async def spoil(world: World) -> None:
            await world.until(start)
            begin(world)
            await world.until(stop)
            end(world)

        return damage, spoil

    return make


def _an_hour(chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(MINUTE, 4 * MINUTE)
    return start, start + HOUR


def _killed(chance: random.Random) -> tuple[Damage, Spoil]:
    """``kill -9`` ten times, wherever it is."""
    moments = sorted(chance.randrange(FEED_MS + 5 * MINUTE) for _ in range(10))
    slack_ms = RESTART_MS + _SLACK_MS
    damage = Damage(0, moments[-1], frozenset(CHANNELS), slack_ms, reads=False, resends=True)

    async def spoil(world: World) -> None:
        for moment in moments:
            await world.until(moment)
            world.process.kill()

    return damage, spoil


def _upgraded(chance: random.Random) -> tuple[Damage, Spoil]:
    """The pager is ended, and the one that is started finds the file of an older one."""
    moment, _ = _span(chance)
    end = moment + RESTART_MS
    damage = Damage(moment, end, frozenset(CHANNELS), _SLACK_MS, reads=False, resends=True)

    async def spoil(world: World) -> None:
        await world.until(moment)
        world.process.kill()
        await world.until(moment + RESTART_MS // 2)
        world.database.age()

    return damage, spoil


def _flooded(_: random.Random) -> tuple[Damage, Spoil]:
    """What is told to the chat waits for the robot's rate, and nothing else does."""

    async def spoil(_: World) -> None:
        """Nothing."""

    return Damage(FEED_MS // 2, FEED_MS // 2, frozenset({CHAT}), HOUR, alarms=False), spoil


def _nothing(_: random.Random) -> tuple[Damage, Spoil]:
    async def spoil(_: World) -> None:
        """Nothing."""

    return Damage(), spoil


def _clock(by_ms: int) -> Callable[[random.Random], tuple[Damage, Spoil]]:
    """The clock is set: ahead, what is due later comes early; back, durations are longer."""

    def make(chance: random.Random) -> tuple[Damage, Spoil]:
        start, _ = _span(chance)

        async def spoil(world: World) -> None:
            await world.until(start)
            world.set_clock(by_ms)

        return Damage(early_ms=max(0, by_ms), stretch=1.12 if by_ms < 0 else 1.0), spoil

    return make


ROWS = {
    "undisturbed": Row("nothing", _nothing),
    "down": Row("nobody listens", _receiver(Fault("down"))),
    "hangs": Row("takes the request and never answers", _receiver(Fault("hangs"))),
    "resets": Row("resets the connection", _receiver(Fault("resets"))),
    "answer_lost": Row("takes the page and resets", _receiver(Fault("loses"), resends=True)),
    "silent": Row(
        "takes the page and does not answer", _receiver(Fault("is silent"), resends=True)
    ),
    "garbage": Row("answers what is no HTTP", _receiver(Fault("garbage"))),
    "huge": Row("answers 500 with 10 MB", _receiver(Fault("huge"))),
    "dns": Row("its name has no address", _receiver(Fault("unknown"))),
    "tls_expired": Row("its certificate has expired", _receiver(Fault("expired")), over_tls=True),
    "throttle_seconds": _status(
        429, "429, Retry-After: 60", slack_ms=_PAUSE_MS + _SLACK_MS, Retry_After="60"
    ),
    "throttle_date": _status(
        503,
        "503, Retry-After: a date",
        asked_until_ms=4 * MINUTE,  # the run begins at 03:00
        Retry_After="Thu, 01 Jan 2026 03:04:00 GMT",
    ),
    "throttle_nonsense": _status(429, "429, Retry-After: inf", Retry_After="inf"),
    "redirect": _status(302, "302", Location="http://elsewhere.example/"),
    **{
        f"status_{status}": _status(status, f"{status}")
        for status in (401, 403, 404, 407, 408, 410, 425, 500, 502, 503, 504)
    },
    **{
        f"refuses_{status}": _status(status, f"{status}", refuses=True)
        for status in (400, 405, 413, 422)
    },
    "robot_signature": _robot(
        b'{"errcode":310000,"errmsg":"sign not match"}', "200, wrong signature"
    ),
    "robot_too_fast": _robot(
        b'{"errcode":130101,"errmsg":"send too fast"}', "200, too fast", _PAUSE_MS + _SLACK_MS
    ),
    "robot_html": _robot(b"<html>proxy</html>", "200, and no robot's answer"),
    "outbox_locked": Row(
        "locked", _global(lambda w: w.database.lock(), lambda w: w.database.mend())
    ),
    "outbox_full": Row(
        "disk full", _global(lambda w: w.database.fill(), lambda w: w.database.mend())
    ),
    "outbox_read_only": Row(
        "read-only", _global(lambda w: w.database.protect(), lambda w: w.database.mend())
    ),
    "outbox_older": Row("of an older version", _upgraded, ends_it=True),
    "postgres_restarted": Row(
        "PostgreSQL stopped and started",
        _global(lambda w: w.database.stop(), lambda w: w.database.start()),
        on_postgres=True,
    ),
    "flood": Row("5,000 yellow alerts at once", _flooded, flood=5_000, end_ms=HOUR),
    "kafka_down": Row(
        "Kafka down for an hour",
        _global(lambda w: w.topic.cut(), lambda w: w.topic.mend(), span=_an_hour),
        end_ms=FEED_MS + AFTER_MS + HOUR,
    ),
    "killed": Row("kill -9, ten times", _killed, ends_it=True),
    "clock_back": Row("the clock set back 10 min", _clock(-10 * MINUTE)),
    "clock_ahead": Row("the clock set 10 min ahead", _clock(10 * MINUTE)),
}
# Of rows that differ by a number alone `make test` plays one, and the flood is long.
_LONG = {name for name in ROWS if name.startswith(("status_", "refuses_"))} | {"flood"}
BRIEF = tuple(
    name for name in ROWS if name not in _LONG - {"status_401", "status_503", "refuses_400"}
)
