"""The queue: what comes first, whose it is, what is alike, what has changed."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.delivery.alerts import NOW, alert

from sentinel.database import Database
from sentinel.desk.dossier import Dossiers, Precision
from sentinel.desk.queue import Alike, Filter, Queue, View
from sentinel.desk.tables import SCHEMA
from sentinel.history.records import Read
from sentinel.history.store import VARIABLE, Store
from sentinel.model.alert import (
    Alert,
    AlertState,
    Change,
    Entity,
    Resolution,
    Suppression,
    Suppressor,
    Tier,
)
from sentinel.model.signal import Clause, Risk

MINUTE = 60_000


class Scene:
    """A history with alerts."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder}/history.db")
        Database(f"sqlite:///{folder}/history.db", SCHEMA, VARIABLE).close()
        self.queue = Queue(self.store.database)
        self.offset = 0

    def add(self, *alerts: Alert) -> None:
        """Store revisions in their order."""
        numbered = list(enumerate(alerts, self.offset))
        self.store.accept(Read("alerts-0", self.offset, self.offset + len(alerts), numbered))
        self.offset += len(alerts)

    def shown(self, wanted: Filter | None = None, user: str = "li.wei") -> list[str]:
        """The ids that the queue shows."""
        return [row.alert.alert_id for row in self.queue.rows(wanted or Filter(), user, NOW)]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """An empty history."""
    return Scene(tmp_path)


def _of(rule: str, alert_id: str, **changes: Any) -> Alert:
    (reason,) = alert().reasons

    return alert(alert_id, reasons=(replace(reason, rule_id=rule),), **changes)


def _ended(found: Alert, resolution: Resolution, revision: int = 2) -> Alert:

    return replace(
        found,
        revision=revision,
        state=AlertState.RESOLVED,
        change=Change.RESOLVED,
        resolution=resolution,
    )


def test_the_most_urgent_comes_first_then_who_waits_longest_then_the_amount(scene: Scene) -> None:
    """Since when is counted from when the alert came to its tier."""
    small = (Clause("a", {"amount": 5.0}),)
    scene.add(
        alert("blue", tier=Tier.BLUE, updated_at=NOW - 9 * MINUTE),
        alert("young", updated_at=NOW),
        alert("old", updated_at=NOW - 5 * MINUTE),
        _of("r", "rose", tier=Tier.YELLOW, updated_at=NOW - 60 * MINUTE),
    )
    scene.add(alert("rose", 2, updated_at=NOW - 1 * MINUTE))
    (reason,) = alert().reasons

    scene.add(alert("small", updated_at=NOW, reasons=(replace(reason, clauses=small),)))
    assert scene.shown() == ["old", "rose", "young", "small", "blue"]


def test_each_view_shows_its_own(scene: Scene) -> None:
    """Open ones that nobody has, one's own, all, and those that have ended."""
    scene.add(
        alert("free"),
        alert("mine", assignee="li.wei"),
        alert("other", assignee="wang"),
        alert("acked", state=AlertState.ACKNOWLEDGED, acknowledged_by="li.wei"),
        alert("quiet", suppressed=(Suppressor(Suppression.SILENCE, "s1"),)),
        alert("ended"),
    )
    scene.add(_ended(alert("ended"), Resolution.CONFIRMED))
    assert scene.shown() == ["free"]
    assert set(scene.shown(Filter(view=View.MINE))) == {"mine", "acked"}
    everything = {"free", "mine", "other", "acked", "quiet"}
    assert set(scene.shown(Filter(view=View.ALL))) == everything
    assert scene.shown(Filter(view=View.ENDED)) == ["ended"]
    counts = scene.queue.counts(Filter(), "li.wei", NOW)
    assert counts == {View.MINE: 2, View.OPEN: 1, View.ALL: 5, View.SNOOZED: 0}


def test_filters_narrow_what_is_shown(scene: Scene) -> None:
    """By tier, risk, rule, and an alert's or entity's exact id."""
    scene.add(
        alert("a"),
        alert("b", tier=Tier.BLUE),
        alert("c", risk=Risk.CREDIT),
        _of("other.rule", "d"),
        alert("e", entity=Entity("customer", "C-other"), key="C-other"),
    )
    assert set(scene.shown(Filter(tiers=(Tier.BLUE,)))) == {"b"}
    assert set(scene.shown(Filter(tiers=(Tier.RED, Tier.BLUE)))) == {"a", "b", "c", "d", "e"}
    assert scene.shown(Filter(risk=Risk.CREDIT)) == ["c"]
    assert scene.shown(Filter(rule="other.rule")) == ["d"]
    assert scene.shown(Filter(search="C-other")) == ["e"]
    assert scene.shown(Filter(search="a")) == ["a"]
    assert scene.shown(Filter(search="C-oth")) == []


def test_the_url_is_the_state() -> None:
    """What a filter writes is what it reads; nonsense is passed over."""
    wanted = Filter(View.ALL, (Tier.RED, Tier.BLUE), Risk.LEGAL, "a.b", "C 1&x")
    query = wanted.query()
    assert query == "view=all&tier=red%2Cblue&risk=legal&rule=a.b&q=C+1%26x"
    read = {"view": "all", "tier": "red,blue", "risk": "legal", "rule": "a.b", "q": " C 1&x "}
    assert Filter.read(read) == wanted
    assert Filter.read({"view": "x", "tier": "pink,", "risk": "war"}) == Filter()
    assert Filter().query() == ""
    assert Filter(view=View.MINE).query(view=View.OPEN, search="x") == "q=x"


def test_the_next_is_the_first_that_nobody_has(scene: Scene) -> None:
    """What was just given to somebody is passed over before history knows."""
    scene.add(alert("first", updated_at=NOW - MINUTE), alert("second"), alert("x", assignee="w"))
    assert scene.queue.next(Filter(), [], NOW) == "first"
    assert scene.queue.next(Filter(view=View.ENDED), ["first"], NOW) == "second"
    assert scene.queue.next(Filter(), ["first", "second"], NOW) is None


def test_alike_counts_the_rule_lately(scene: Scene) -> None:
    """How many were opened, right and false; older ones do not count."""
    alerts = [_of("r", f"r{n}") for n in range(4)]
    scene.add(*alerts, _of("r", "old", opened_at=NOW - 100 * MINUTE), _of("s", "s1"))
    scene.add(_ended(alerts[0], Resolution.FALSE_POSITIVE), _ended(alerts[1], Resolution.CONFIRMED))
    found = scene.queue.alike(["r", "s", "t"], NOW - 50 * MINUTE)
    assert found == {"r": Alike(4, 1, 1), "s": Alike(1, 0, 0)}


def test_the_precision_of_a_rule_is_that_of_its_verdicts(scene: Scene) -> None:
    """Ends without a verdict and open alerts do not count."""
    alerts = [_of("r", f"r{n}") for n in range(5)]
    scene.add(*alerts)
    verdicts = [Resolution.CONFIRMED, Resolution.CONFIRMED, Resolution.FALSE_POSITIVE]
    scene.add(*(_ended(alerts[n], each) for n, each in enumerate(verdicts)))
    scene.add(_ended(alerts[3], Resolution.QUIET))
    found = Dossiers(scene.store.database).precision(["r", "unknown"], NOW - MINUTE)
    assert found == {"r": Precision(2, 3)}


def test_what_has_changed_is_counted_by_view(scene: Scene) -> None:
    """Each alert once, however often it changed since the page was made."""
    scene.add(alert("a"), alert("b", tier=Tier.BLUE))
    newest = scene.queue.newest()
    assert newest == 2
    assert scene.queue.changed_since(Filter(), "li.wei", newest, NOW) == 0
    scene.add(alert("a", 2), alert("a", 3), alert("c"))
    assert scene.queue.changed_since(Filter(), "li.wei", newest, NOW) == 2
    assert scene.queue.changed_since(Filter(tiers=(Tier.BLUE,)), "li.wei", newest, NOW) == 0


def test_a_dossier_is_the_alert_with_all_that_belongs_to_it(scene: Scene) -> None:
    """Revisions with the newest first, and the other alerts about the entity, open ones first."""
    scene.add(alert("a"), alert("b", opened_at=NOW - MINUTE), alert("c"))
    scene.add(alert("a", 2, tier=Tier.ORANGE), _ended(alert("c"), Resolution.CONFIRMED))
    dossier = Dossiers(scene.store.database).open("a")
    assert dossier is not None
    assert [each.revision for each in dossier.revisions] == [2, 1]
    assert [each.alert_id for each in dossier.others] == ["b", "c"]
    assert (dossier.amount, dossier.alert.tier) == (123_456.78, Tier.ORANGE)
    assert Dossiers(scene.store.database).open("none") is None
