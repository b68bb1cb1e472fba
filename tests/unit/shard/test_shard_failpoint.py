"""Failpoints: what is named fails, once; nothing else does."""

from collections.abc import Iterator

import pytest

from sentinel.shard import failpoint
from sentinel.shard.failpoint import Failpoint, FailpointError, reach


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoint.arm(None)


def test_the_nth_pass_fails_and_no_other() -> None:
    """The second time the failpoint is reached raises; before and after it nothing happens."""
    failpoint.arm("after_read:2:raise")
    reach(Failpoint.AFTER_READ)
    reach(Failpoint.IN_SNAPSHOT)
    with pytest.raises(FailpointError, match="after_read"):
        reach(Failpoint.AFTER_READ)
    reach(Failpoint.AFTER_READ)


@pytest.mark.parametrize("text", ["after_lunch:1", "after_read", "after_read:0", "after_read:1:x"])
def test_an_unknown_failpoint_is_refused(text: str) -> None:
    """A failpoint that does not exist is an error, so no crash test can pass by a typo."""
    with pytest.raises(ValueError, match="is not a failpoint"):
        failpoint.arm(text)
