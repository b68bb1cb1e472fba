"""The delivery fault suite, each brief row once; ``make page-faults`` plays all."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.pages.alarms import unalarmed
from tests.pages.ledger import Damage, Ledger
from tests.pages.receivers import Told
from tests.pages.rows import BRIEF
from tests.pages.stories import Kind
from tests.pages.suite import Lab, lab, play, play_all

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def shared() -> Iterator[Lab]:
    """Certificates and a PostgreSQL for all rows."""
    with lab() as made:
        yield made


@pytest.mark.parametrize("name", BRIEF)
def test_every_page_that_is_owed_arrives(shared: Lab, name: str) -> None:
    """None is lost, late, doubled or wrongly quiet; where none can arrive an alarm says so."""
    total = play_all(name, range(1, 2), shared)
    assert total.passed, [*total.examples, *total.unalarmed]


def _without(told: list[Told], channel: str, kind: Kind) -> list[Told]:
    """Nobody heard so of the first alert that this was said of."""
    alert_id = next(e.alert_id for e in told if (e.channel, e.kind) == (channel, kind))
    return [e for e in told if (e.channel, e.kind, e.alert_id) != (channel, kind, alert_id)]


SPOILED: dict[str, Callable[[list[Told]], list[Told]]] = {
    "lost": lambda told: _without(told, "duty", Kind.TRIGGER),
    "late": lambda told: [replace(each, at_ms=each.at_ms + 3_000) for each in told],
    "doubled": lambda told: told + [each for each in told if each.channel == "duty"],
    "quiet": lambda told: _without(told, "duty", Kind.RESOLVE),
    "wrong": lambda told: [*told, replace(told[0], channel="spare")],
}


@pytest.mark.parametrize("what", SPOILED)
def test_the_ledger_finds_what_a_pager_may_do_wrong(shared: Lab, what: str) -> None:
    """A run without fault, of which one thing is changed."""
    outcome, verdict = play("undisturbed", 1, shared)
    assert verdict.wrongs == {}
    spoiled = replace(outcome, told=SPOILED[what](list(outcome.told)))
    assert what in Ledger(spoiled, Damage()).close().wrongs


def test_an_alarm_that_does_not_fire_is_missed(shared: Lab) -> None:
    """So is one that fires where all is well."""
    outcome, verdict = play("undisturbed", 1, shared)
    assert unalarmed([(outcome, verdict)]) == []
    assert unalarmed([(outcome, replace(verdict, alarm_ms=300_000, is_calm=False))])
    rings = [
        (at_ms, values and values | {'sentinel_unsent_pages_total{reason="gone"}': at_ms // 60_000})
        for at_ms, values in outcome.samples
    ]
    assert unalarmed([(replace(outcome, samples=rings), verdict)])
