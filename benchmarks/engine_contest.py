"""The engine beside river: the same events, the same work, in turn.

Both read one sequence of events from its start and keep what they have learnt from
round to round; a round is as many events as each does in half a second or so, hence the
peer's customers have shorter histories, which favours it.
"""

import time
from collections.abc import Mapping
from itertools import islice
from statistics import median
from typing import Any

from benchmarks.agreement import agreement
from benchmarks.engine import events_per_s, stage_us
from benchmarks.events import events, steps
from benchmarks.river_peer import RiverPeer
from benchmarks.side_by_side import ratio, side_by_side
from sentinel.configuration import Configuration
from sentinel.engine import Engine

CUSTOMERS = 50_000
_STEP = 5_000
_WARM_UP_STEPS, _STEPS, _PEER_EVENTS, _ROUNDS = 4, 20, 4_000, 5
_SAMPLE = 6_000


def measure(files: Mapping[str, str]) -> dict[str, Any]:
    """``engine_events_per_s`` and ``engine_vs_river``, with what stands behind them."""
    agreed = agreement(files, list(events(_SAMPLE, customers=300)))
    total = (_WARM_UP_STEPS + _ROUNDS * _STEPS) * _STEP
    records = list(events(total, customers=CUSTOMERS))
    whole = list(steps(iter(records), _STEP))
    ours, theirs = Engine(Configuration.parse(files)), RiverPeer(files)
    ahead, input_ = iter(whole), iter(records)
    events_per_s(ours, list(islice(ahead, _WARM_UP_STEPS)))
    for record in islice(input_, _PEER_EVENTS):
        theirs.process(record)

    def peer_events_per_s() -> float:
        mine = list(islice(input_, _PEER_EVENTS))
        started = time.perf_counter()
        for record in mine:
            theirs.process(record)
        return len(mine) / (time.perf_counter() - started)

    rates = side_by_side(
        {
            "engine": lambda: events_per_s(ours, list(islice(ahead, _STEPS))),
            "river": peer_events_per_s,
        },
        _ROUNDS,
    )
    return {
        "engine_events_per_s": median(rates["engine"]),
        "engine_vs_river": ratio(rates, "engine", "river"),
        "details": {
            "events_per_s": rates,
            "agreement": agreed,
            "engine_us_per_event": stage_us(
                files, whole[:_WARM_UP_STEPS], whole[_WARM_UP_STEPS : _WARM_UP_STEPS + _STEPS]
            ),
        },
    }
