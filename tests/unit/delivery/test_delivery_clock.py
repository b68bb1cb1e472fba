"""The pager's clock, on a machine whose clock is set."""

from structlog.testing import capture_logs
from tests.delivery.alerts import NOW

from sentinel.delivery.clock import Clock


class Machine:
    """A machine whose clock is ``step_ms`` off."""

    def __init__(self) -> None:
        self.steady_ms, self.step_ms = 5_000, 0

    def clock(self, least_ms: int = 0) -> Clock:
        """A pager's clock on it."""
        return Clock(lambda: NOW + self.steady_ms + self.step_ms, lambda: self.steady_ms, least_ms)

    def after(self, clock: Clock, passed_ms: int) -> int:
        """What the clock says after so long, without the time of the test's own start."""
        self.steady_ms += passed_ms
        return clock.now_ms() - NOW - 5_000


def test_it_is_the_machines_while_nobody_sets_that() -> None:
    """Millisecond by millisecond."""
    machine = Machine()
    clock = machine.clock()
    assert [machine.after(clock, passed) for passed in (0, 1, 2, 1_000)] == [0, 1, 3, 1_003]


def test_a_step_back_is_caught_up_with_slowly() -> None:
    """Ten minutes back: durations are a tenth longer for a hundred minutes, then all agree."""
    machine = Machine()
    clock = machine.clock()
    with capture_logs() as logs:
        assert machine.after(clock, 1_000) == 1_000
        machine.step_ms = -600_000
        assert machine.after(clock, 10_000) == 10_000
        assert machine.after(clock, 5_980_000) == 5_392_000
        assert machine.after(clock, 100_000) == 5_491_000
    assert [each["log_level"] for each in logs] == ["warning", "info"]
    assert logs[0]["seconds"] == 599


def test_a_step_ahead_is_followed_at_once() -> None:
    """What would have been due meanwhile is due now."""
    machine = Machine()
    clock = machine.clock()
    machine.step_ms = 600_000
    assert machine.after(clock, 1_000) == 601_000


def test_a_clock_that_was_set_back_between_two_runs_goes_on_from_what_was_noted() -> None:
    """Else what the former process put off would wait for the machine's clock."""
    machine = Machine()
    clock = machine.clock(least_ms=NOW + 5_000 + 60_000)
    assert machine.after(clock, 10_000) == 69_000
    assert clock.wall_ms() == NOW + 15_000
