"""The complaints' pages: how long is left, in words; each look at a customer is a line."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from tests.complaint_steps import step
from tests.delivery.alerts import CUSTOMER, NOW, alert
from tests.desk.web import Web, running

from sentinel.model.alert import Entity

DAY = 86_400_000
PAGES = ["/complaints", "/complaints/rows", "/complaints/K1", "/complaints/K1/customer"]


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A desk with three alerts and the complaint K1, received an hour before on a holiday."""
    with running(tmp_path, monkeypatch) as made:
        yield made


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["investigate", "4 d left", "fees · credit card", "received"]),
        ("zh", ["启动调查", "剩余 4天", "收费 · 信用卡", "已接收"]),
    ],
)
def test_a_row_tells_what_is_due_and_how_long_is_left(
    web: Web, language: str, words: list[str]
) -> None:
    """Sunday 4 January 2026 is worked, so the second working day ends with Monday the 5th."""
    page = web.person("viewer", language).get("/complaints")
    for each in words:
        assert each in page.text


@pytest.mark.parametrize(("language", "words"), [("en", "2 d overdue"), ("zh", "超时 2天")])
def test_what_is_late_is_told_so(web: Web, language: str, words: str) -> None:
    """It stands in the tab of what is late."""
    web.clock.ms += 7 * DAY
    person = web.person("viewer", language)
    page = person.get("/complaints?tab=late")
    assert words in page.text
    assert "/complaints/K1" in page.text
    assert "/complaints/K1" not in person.get("/complaints?tab=closed").text


def test_a_complaint_shows_its_steps_deadline_and_alerts(web: Web) -> None:
    """Those about the complaint, and those about its customer."""
    web.store_records(
        alert("k1", entity=Entity("complaint", "K1")),
        alert("k2", entity=Entity("complaint", "K2")),
        step("investigating", NOW, customer_id=CUSTOMER, extended_to="30d", approved_by="u1042"),
    )
    page = web.person("viewer", "en").get("/complaints/K1").text
    assert "extended to 30d, approved by u1042" in page
    assert "under investigation" in page
    assert "1 Feb 00:00:00" in page  # of the extended term
    about, of_customer = page.partition("Alerts about the customer")[::2]
    assert "/alerts/k1" in about
    assert "/alerts/k2" not in page
    assert [f"/alerts/a{number}" in of_customer for number in (1, 2, 3)] == [True] * 3


def test_the_alert_of_a_complaint_leads_to_it(web: Web) -> None:
    """And the queue to the list."""
    web.store_records(alert("k1", entity=Entity("complaint", "K1")))
    person = web.person("viewer", "en")
    assert 'href="/complaints/K1"' in person.get("/alerts/k1").text
    assert 'href="/complaints" data-key="p"' in person.get("/queue").text


def test_closed_complaints_count_for_the_share_on_time(web: Web) -> None:
    """By product, branch and channel."""
    for status in ("investigating", "resolved", "replied", "closed"):
        web.store_records(step(status, NOW, customer_id=CUSTOMER))
    page = web.person("viewer", "en").get("/complaints").text
    for each in ("credit card", "B0001", "hotline"):
        assert f"<tr><td>{each}</td><td>100%</td><td>1 / 1</td></tr>" in page


def test_a_filter_that_is_chosen_stays_in_every_address(web: Web) -> None:
    """Of tabs and of further rows; a value that no complaint has can be shown, too."""
    for number in range(60):
        web.store_records(step("received", NOW, f"L{number:02}", product="loan"))
    page = unescape(web.person("viewer", "en").get("/complaints?product=loan").text)
    assert 'href="/complaints?tab=late&product=loan"' in page
    assert 'hx-get="/complaints/rows?product=loan&skip=50"' in page
    rows = web.person("viewer").get("/complaints/rows?product=loan&skip=50").text
    assert rows.count("data-row") == 10
    none = web.person("viewer", "en").get("/complaints?branch=B9").text
    assert "No such complaint" in none
    assert '<option value="B9" selected>' in none


def test_looks_at_a_complaint_are_lines_of_the_log(web: Web) -> None:
    """The list is no look, because all are masked there."""
    person = web.person("viewer")
    person.get("/complaints")
    person.get("/complaints/none")
    assert web.audit("look") == []
    person.get("/complaints/K1")
    person.get("/complaints/K1/customer")
    looks = [("viewer", "look", CUSTOMER, "K1"), ("viewer", "look", CUSTOMER, "")]
    assert web.audit("look") == looks


def test_the_customer_is_unmasked_with_a_reason_only(web: Web) -> None:
    """By whom may, and the log has the reason."""
    assert web.person("viewer").post("/complaints/K1/unmask", reason="because").status_code == 403
    person = web.person("analyst")
    assert person.post("/complaints/K1/unmask", reason=" abc ").status_code == 400
    assert web.audit("unmask") == []
    assert person.post("/complaints/K1/unmask", reason="call back").text == CUSTOMER
    assert web.audit("unmask") == [("analyst", "unmask", CUSTOMER, "call back")]
    assert "/unmask" not in web.person("viewer").get("/complaints/K1").text


@pytest.mark.parametrize("path", PAGES)
def test_every_role_may_see_complaints_masked(web: Web, path: str) -> None:
    """No page of theirs has the customer's id."""
    for role in ("viewer", "analyst", "senior", "auditor", "administrator"):
        page = web.person(role).get(path)
        assert page.status_code == 200
        assert CUSTOMER not in page.text
        assert "C-••15" in page.text
