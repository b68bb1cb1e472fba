"""Customers at the desk: masked on every page, and each look at one is a line of the log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.delivery.alerts import CUSTOMER, alert
from tests.desk.web import Web, addresses, running, title

from sentinel.alerting.revision import request
from sentinel.model.alert import Alert, Entity
from sentinel.model.signal import Action, Clause


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A desk with three alerts."""
    with running(tmp_path, monkeypatch) as made:
        yield made


PAGES = [
    "/queue?view=all",
    "/queue/rows?view=all",
    "/alerts/a1",
    "/alerts/a1/responses",
    "/alerts/d1",
    "/entities/customer/of/a1",
    "/entities/device/of/d1",
    "/complaints",
    "/complaints/rows",
    "/complaints/K1",
    "/complaints/K1/customer",
]


def _about_a_device() -> Alert:
    """An alert about a device, whose reason saw a customer's id."""
    plain = alert("d1", entity=Entity("device", "D-9"))
    clause = Clause("customer_id != ''", {"customer_id": CUSTOMER})
    return replace(plain, reasons=(replace(plain.reasons[0], clauses=(clause,)),))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_customer_is_masked_on_every_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    """Neither a page nor its title nor an address in it has a customer's id."""
    alerts = [alert("a1"), alert("a2"), _about_a_device()]
    asked = request(alerts[0], Action.SUSPEND_ACCOUNT)
    with running(tmp_path, monkeypatch, *alerts, asked) as web:
        person = web.person("senior", language)
        person.post("/alerts/a1/responses", do="confirmed")
        for path in PAGES:
            page = person.get(path)
            assert page.status_code == 200
            assert CUSTOMER not in page.text, path
            assert not [each for each in addresses(page) if CUSTOMER in each or "C-" in each]
        assert "C-••15" in person.get("/queue?view=all").text
        assert "C-••15" in person.get("/alerts/d1").text
        assert CUSTOMER not in title(person.get("/queue", params={"q": CUSTOMER}))
        moved = person.post("/next")
        assert CUSTOMER not in moved.headers["location"]


def test_unmasking_needs_a_reason_and_is_logged(web: Web) -> None:
    """A customer's id is shown to whom gives a reason, and the log has both."""
    person = web.person()
    for reason in ("", "   ", "abc", " abc "):
        refused = person.post("/alerts/a1/unmask", reason=reason)
        assert refused.status_code == 400
        assert CUSTOMER not in refused.text
    assert web.audit("unmask") == []
    assert person.post("/alerts/a1/unmask", reason="call the customer").text == CUSTOMER
    assert web.audit("unmask") == [("analyst", "unmask", CUSTOMER, "call the customer")]


def test_every_look_at_a_customer_is_a_line(web: Web) -> None:
    """The alert and the list of a customer's alerts are looks; what is masked in a list is not."""
    person = web.person("viewer")
    person.get("/queue")
    person.get("/alerts/none")
    assert web.audit("look") == []
    person.get("/alerts/a1")
    person.get("/entities/customer/of/a2")
    looks = [("viewer", "look", CUSTOMER, "a1"), ("viewer", "look", CUSTOMER, "")]
    assert web.audit("look") == looks


def test_every_search_is_a_line(web: Web) -> None:
    """What was searched for is logged, also where only further rows are asked for."""
    person = web.person("viewer")
    for path in ("/queue", "/queue/rows"):
        found = person.get(path, params={"view": "all", "q": f" {CUSTOMER} "})
        assert 'id="a-a1"' in found.text
    assert web.audit("search") == [("viewer", "search", CUSTOMER, "")] * 2


def test_every_answer_and_withdrawal_is_a_line(web: Web) -> None:
    """Who answered what, and took it back, with the alert and the answer's id."""
    person = web.person("senior")
    page = person.post("/alerts/a1/responses", do="confirmed")
    (line,) = web.audit("answer")
    assert line[:3] == ("senior", "answer", CUSTOMER)
    verdict, alert_id, response_id = line[3].split()
    assert (verdict, alert_id) == ("confirmed", "a1")
    assert f"/responses/{response_id}/withdraw" in page.text
    person.post(f"/responses/{response_id}/withdraw")
    assert web.audit("withdraw") == [("senior", "withdraw", CUSTOMER, response_id)]
    person.post("/bulk", alert=["a1", "a2"], verdict="false_positive")
    person.post("/next")
    answered = [line[3].split()[:2] for line in web.audit("answer")[1:]]
    assert answered == [["false_positive", "a1"], ["false_positive", "a2"], ["assign", "a3"]]
    assert web.desk.audit.verify() is None
