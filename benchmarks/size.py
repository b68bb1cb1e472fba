"""How large a run of the benchmark is: ``FULL`` measures, ``TINY`` only runs everything once.

Figures of ``TINY`` mean nothing: its rounds are too short and too few.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Events, customers, rounds and seconds of all measurements.

    The engine measurements run ``rounds`` rounds of ``steps`` steps of ``step_events`` events;
    river gets ``peer_events`` a round.  ``sample_events`` are compared value by value.
    """

    customers: int = 50_000
    step_events: int
    steps: int
    peer_events: int
    rounds: int
    sample_events: int
    many_customers: int
    few_customers: int
    kafka_events: int
    kafka_rounds: int
    latency_warm_up_s: int
    latency_s: int

    @property
    def engine_events(self) -> int:
        """The events of all rounds of an engine measurement, its warm-up included."""
        return (self.rounds + 1) * self.steps * self.step_events


FULL = Size(
    step_events=5_000,
    steps=20,
    peer_events=5_000,
    rounds=7,
    sample_events=16_000,  # so many that both detectors have scored a window
    many_customers=1_000_000,
    few_customers=10_000,
    kafka_events=500_000,
    kafka_rounds=3,
    latency_warm_up_s=5,
    latency_s=20,
)
TINY = Size(
    step_events=500,
    steps=2,
    peer_events=100,
    rounds=1,
    sample_events=1_000,
    many_customers=5_000,
    few_customers=1_000,
    kafka_events=20_000,
    kafka_rounds=1,
    latency_warm_up_s=1,
    latency_s=2,
)
