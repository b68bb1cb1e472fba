"""Texts of complaints through the engine: rules read them, restarts and changes keep them."""

from functools import cache

import msgspec

from sentinel.alerting.cloudevent import encode
from sentinel.engine import Configuration, Engine, Outcome
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Step
from sentinel.settings import read_configuration

START_MS = 1_772_416_800_000
HOUR_MS = 3_600_000
LETTER = (
    "On day {n} your branch sold me a policy that I never ordered, and although the clerk promised "
    "in writing that the premium would be returned nobody has answered me since."
)
PRODUCT_RULE = """
  - id: test.card-by-text
    title: {en: A card by its text, zh: 文本指向信用卡}
    risk: legal
    severity: 40
    owner: tests
    on: complaint
    when: '!has(product) && complaint_product_predicted == "credit_card"'
"""


@cache
def _configuration() -> Configuration:
    """The shipped one, and a rule on what the text is about."""
    files = dict(read_configuration(None).files)
    files["rules/complaints.yaml"] += PRODUCT_RULE
    return Configuration.parse(files)


def _complaint(number: int, text: str, **fields: str) -> bytes:
    at_ms = START_MS + number * HOUR_MS
    event = {
        "event_id": f"E{number}",
        "event_time": at_ms,
        "complaint_id": f"P{number}",
        "customer_id": f"C{number}",
        "status": "received",
        "channel": "app",
        "text": text,
    }
    return msgspec.json.encode({**event, **fields})


def _process(engine: Engine, values: list[bytes], first: int = 0) -> Outcome:
    """One step of complaints, their offsets from ``first`` on."""
    n = len(values)
    offsets, nothing = list(range(first, first + n)), [-1] * n
    chunk = Chunk(Stream.COMPLAINT, "t", 0, offsets, nothing, [None] * n, [*values])
    return engine.process(Step(START_MS, [chunk]))


def _rules(outcome: Outcome) -> dict[str, int]:
    return {rule: count for (rule, _), count in outcome.counts.signals.items()}


def _taught() -> list[bytes]:
    """Sixty complaints that name their product."""
    texts = {
        "credit_card": "信用卡账单有一笔重复扣款",
        "consumer_loan": "贷款还款已结清仍然接到催收电话",
    }
    return [
        _complaint(n, text, product=product)
        for n, (product, text) in enumerate(list(texts.items()) * 30)
    ]


def test_rules_read_what_the_text_says_and_is_about() -> None:
    """A product that is learnt is told; copies of a letter are counted."""
    engine = Engine(_configuration())
    _process(engine, _taught())
    outcome = _process(engine, [_complaint(70, "我的信用卡多了一笔扣款")], 70)
    assert "test.card-by-text" in _rules(outcome)
    letters = [_complaint(80 + n, LETTER.format(n=n)) for n in range(6)]
    assert _rules(_process(engine, letters, 80))["complaints.copies"] == 2


def test_a_restart_in_the_middle_changes_nothing() -> None:
    """Alerts and state are byte for byte those of an engine that never stopped."""
    values = [*_taught(), *(_complaint(60 + n, LETTER.format(n=n)) for n in range(8))]
    steady, before, after = (Engine(_configuration()) for _ in range(3))
    expected = [encode(alert) for alert in _process(steady, values).emitted.alerts]
    seen = [encode(alert) for alert in _process(before, values[:63]).emitted.alerts]
    after.restore(before.snapshot())
    seen += [encode(alert) for alert in _process(after, values[63:], 63).emitted.alerts]
    assert seen == expected
    assert after.digest() == steady.digest()


def test_another_configuration_keeps_what_was_learnt() -> None:
    """Only what text.yaml says otherwise starts anew."""
    engine = Engine(_configuration())
    _process(engine, _taught())
    files = dict(_configuration().files)
    files["text.yaml"] = files["text.yaml"].replace("within: 24h", "within: 12h")
    assert files["text.yaml"] != _configuration().files["text.yaml"]
    engine.reconfigure(Configuration.parse(files))
    outcome = _process(engine, [_complaint(70, "我的信用卡多了一笔扣款")], 70)
    assert "test.card-by-text" in _rules(outcome)


def test_no_text_of_a_customer_is_in_an_alert() -> None:
    """The reasons show numbers and words of the configuration, never what was written."""
    secret = "我叫张三丰，卡被盗刷，要起诉"
    alerts = _process(Engine(_configuration()), [_complaint(0, secret)]).emitted.alerts
    assert alerts
    written = b"".join(encode(alert) for alert in alerts).decode()
    assert "张三丰" not in written
    assert secret not in written
