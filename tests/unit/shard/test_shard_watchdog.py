"""The watchdog: patient with idle and with busy, not with stuck."""

from dataclasses import dataclass, field

from sentinel.shard.watchdog import Watchdog


@dataclass
class Process:
    """What the watchdog looks at."""

    progress: int = 0
    has_work: bool = True
    ended: list[str] = field(default_factory=list)

    def watchdog(self) -> Watchdog:
        """One that bites at the third look in vain."""
        return Watchdog(
            lambda: self.progress, lambda: self.has_work, lambda: self.ended.append("x"), looks=3
        )


def test_input_without_progress_is_stuck() -> None:
    """The first look learns where things are, three more see no change."""
    watchdog = Process().watchdog()
    assert [watchdog.look() for _ in range(4)] == [False, False, False, True]


def test_progress_of_any_kind_is_enough() -> None:
    """A slow process that gets on is left alone."""
    process = Process()
    watchdog = process.watchdog()
    for number in range(20):
        process.progress = number // 3
        assert not watchdog.look()


def test_nothing_to_do_is_not_stuck() -> None:
    """Looks without input do not count, and those before it are forgotten."""
    process = Process()
    watchdog = process.watchdog()
    for number in range(20):
        process.has_work = number % 3 != 0
        assert not watchdog.look()
