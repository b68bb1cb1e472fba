"""The table of steps: what moves a complaint, what is history, what is refused."""

import pytest

from sentinel.complaints.life import Status, Transition, has_reached, is_over, judge
from sentinel.model.complaint import Problem

R, I, S, P, C, W = Status  # noqa: E741 - the table reads like the one in life.py
SINCE = 1_000


def _judge(
    at: Status, to: Status, time: int = SINCE + 1, *, seen: bool = False, needs_reply: bool = True
) -> tuple[Transition, Problem | None]:
    return judge(at, SINCE, to, time, seen=seen, needs_reply=needs_reply)


@pytest.mark.parametrize(
    ("at", "to"), [(R, I), (I, S), (S, P), (P, C), (R, W), (I, W), (S, W), (P, W)]
)
def test_the_legal_steps(at: Status, to: Status) -> None:
    """One after the other; withdrawn at any time."""
    assert _judge(at, to) == (Transition.MOVE, None)


@pytest.mark.parametrize(("at", "to"), [(R, S), (R, P), (I, P)])
def test_a_skipped_step_is_reported_and_the_complaint_goes_on(at: Status, to: Status) -> None:
    """What the bank did is done, even if it was not told how."""
    assert _judge(at, to) == (Transition.MOVE, Problem.SKIPPED)


@pytest.mark.parametrize("at", [R, I, S])
def test_closing_without_the_reply_is_held_back_once(at: Status) -> None:
    """Where a reply is needed; told again it is no news."""
    assert _judge(at, C) == (Transition.HOLD, Problem.CLOSED_WITHOUT_REPLY)
    assert _judge(at, C, seen=True) == (Transition.REPEAT, None)


def test_closing_without_a_reply_is_fine_where_none_is_needed() -> None:
    """From resolved it is the next step, from before it skips some."""
    assert _judge(S, C, needs_reply=False) == (Transition.MOVE, None)
    assert _judge(I, C, needs_reply=False) == (Transition.MOVE, Problem.SKIPPED)


@pytest.mark.parametrize(("at", "to"), [(I, R), (S, I), (P, S), (P, R)])
@pytest.mark.parametrize("seen", [True, False])
def test_a_newer_step_back_is_refused(at: Status, to: Status, seen: bool) -> None:
    """A complaint does not begin again."""
    assert _judge(at, to, seen=seen) == (Transition.REFUSE, Problem.STEP_BACK)


@pytest.mark.parametrize(("at", "to"), [(I, R), (S, I), (P, S), (C, P), (C, R), (W, I)])
@pytest.mark.parametrize("time", [SINCE, SINCE - 1])
def test_an_older_missing_step_is_history(at: Status, to: Status, time: int) -> None:
    """It came late, that is all; a second time it is a repetition."""
    assert _judge(at, to, time) == (Transition.HISTORY, None)
    assert _judge(at, to, time, seen=True) == (Transition.REPEAT, None)


@pytest.mark.parametrize("at", [C, W])
@pytest.mark.parametrize("to", list(Status))
def test_nothing_follows_the_end(at: Status, to: Status) -> None:
    """Closed and withdrawn are final, whichever came first."""
    expected = (Transition.REPEAT, None) if at is to else (Transition.REFUSE, Problem.AFTER_END)
    assert _judge(at, to) == expected
    if is_over(to):
        assert _judge(at, to, SINCE - 1) == expected


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("time", [0, SINCE, SINCE + 1])
def test_the_same_again_is_nothing(status: Status, time: int) -> None:
    """Whenever it is said."""
    assert _judge(status, status, time, seen=True) == (Transition.REPEAT, None)


def test_a_status_has_what_is_before_it_behind_it() -> None:
    """In the order of the steps."""
    assert has_reached(S, I)
    assert has_reached(S, S)
    assert not has_reached(S, P)
    assert [status for status in Status if is_over(status)] == [C, W]
