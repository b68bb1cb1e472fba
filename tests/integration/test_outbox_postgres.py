"""The outbox on PostgreSQL: the same tests as on SQLite, on a real server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.delivery.alerts import NOW, alert
from tests.delivery.box import read_of
from tests.delivery.plans import plan
from tests.delivery.postgres import Postgres

from sentinel.delivery.outbox import Outbox, Read
from sentinel.delivery.page import PageKind
from sentinel.delivery.plan import NoPage
from sentinel.model.alert import AlertState, Change, Resolution

pytestmark = pytest.mark.process
PLAN = plan()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own on a free port; its URL for SQLAlchemy."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    yield server.url
    server.stop()


def test_a_page_lives_there_as_in_sqlite(postgres: str) -> None:
    """Due, tried, sent, finished, pruned; a record that is read again does nothing."""
    outbox = Outbox(postgres)
    both = read_of([alert("a"), alert("b")])
    assert outbox.accept(both, PLAN, NOW) == {}
    outbox.accept(both, PLAN, NOW)
    first, second = outbox.due("duty", NOW, 9)
    outbox.begin([first, second])
    outbox.sent([first], NOW)
    outbox.retry(second, NOW + 500)
    assert outbox.next_due_ms("duty") == NOW + 500
    resolved = alert(
        "a",
        2,
        state=AlertState.RESOLVED,
        change=Change.RESOLVED,
        resolution=Resolution.QUIET,
    )
    assert outbox.accept(read_of([resolved], 2), PLAN, NOW) == {NoPage.ANSWERED: 1}
    outbox.close()
    again = Outbox(postgres)
    assert [page.kind for page in again.due("duty", NOW, 9)] == [PageKind.RESOLVE]
    assert again.counts() == {"due": 3, "sent": 1, "dead": 0, "cancelled": 1}
    assert again.prune(NOW + 1) == 2
    again.close()


def _one(partition: str, offset: int, alert_id: str) -> Read:
    return Read(partition, offset, offset + 1, [(offset, alert(alert_id))])


def test_late_alerts_become_one_digest_there_too(postgres: str) -> None:
    """Two pagers collect and close at the same time: each alert is in one page, once."""
    first, second = Outbox(postgres), Outbox(postgres)
    late = NOW + 48 * 3_600_000
    with ThreadPoolExecutor(4) as both:
        for number in range(20):
            moment = late + number * 20_000
            accepting = [
                both.submit(
                    each.accept,
                    Read(partition, number, number + 1, [(number, alert(name))]),
                    PLAN,
                    moment,
                )
                for each, partition, name in (
                    (first, "late-0", f"x{number}"),
                    (second, "late-1", f"y{number}"),
                )
            ]
            closing = [
                both.submit(each.close_digests, "duty", PLAN, moment) for each in (first, second)
            ]
            for accepted in accepting:
                assert accepted.result(60) == {NoPage.OLD: 1}
            for closed in closing:
                closed.result(60)
    end = late + 3_600_000
    for each in (first, second):
        each.close_digests("duty", PLAN, end)
    digests = [page.content.late for page in first.due("duty", end, 99)]
    assert sum(each.found for each in digests if each is not None) == 40
    first.close()
    second.close()
