"""Values as people read them: each name has words, each value its unit, ids are masked."""

from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace
from tests.delivery.alerts import alert

from sentinel.desk.declare import DeskPlan, Form, declare, read_folder
from sentinel.desk.words import Fact, Language, Speaker, masked
from sentinel.model.alert import Tier
from sentinel.model.document import ConfigError, parse
from sentinel.model.events import (
    ComplaintChannel,
    ComplaintStatus,
    CustomerType,
    Direction,
    LoginKind,
    TransactionKind,
    TransactionStatus,
)
from sentinel.model.signal import Clause, Title
from sentinel.settings import read_configuration

CONFIGS = Path(__file__).parents[3] / "configs"
HOUR = 3_600_000


@pytest.fixture(scope="module")
def plan() -> DeskPlan:
    """The shipped plan."""
    return read_folder(CONFIGS)


def _both(plan: DeskPlan) -> tuple[Speaker, Speaker]:
    return Speaker(Language.EN, plan), Speaker(Language.ZH, plan)


def test_every_name_that_a_rule_reads_has_words(plan: DeskPlan) -> None:
    """Of customers and of shared entities, so that no reason shows a column's name."""
    stages = read_configuration(CONFIGS).build()
    names = {name for each in stages.rules.demand.values() for name in each}
    for rules in stages.entity_rules._rules.values():
        names |= {name for _, expression in rules for name in expression.names}
    assert len(names) > 80
    assert names - set(plan.words) == set()


def test_every_word_of_an_event_has_words(plan: DeskPlan) -> None:
    """Kinds, statuses and channels in both languages."""
    words = {
        word
        for kind in (
            TransactionKind,
            TransactionStatus,
            Direction,
            CustomerType,
            LoginKind,
            ComplaintStatus,
            ComplaintChannel,
        )
        for word in get_args(kind)
    }
    assert words - set(plan.values) == set()


@pytest.mark.parametrize(
    ("name", "value", "english", "chinese"),
    [
        ("amount", 84_300.4, "¥84,300", "¥84,300"),
        ("amount_z", 4.13, "+4.1 σ", "+4.1 σ"),
        ("txn_count_1h", 6.0, "6", "6"),
        ("limit_used", 0.953, "95%", "95%"),
        ("since_credential_change", 169.0, "2 min", "2分钟"),
        ("since_transaction", 7_200.0, "2 h", "2小时"),
        ("since_transaction", 200_000.0, "2 d", "2天"),
        ("km_per_hour", 9_372.6, "9,373 km/h", "9,373 km/h"),
        ("trees_p", 0.00042, "0.00042", "0.00042"),
        ("new_payee", True, "yes", "是"),
        ("new_payee", False, "no", "否"),
        ("new_payee", None, "unknown", "未知"),
        ("kind", "cash", "cash", "现金"),
        ("device_id", "D\u202e1", "D\\u202e1", "D\\u202e1"),
        ("of_another_version", 2.5, "2.5", "2.5"),
    ],
)
def test_a_value_is_shown_with_its_unit(
    plan: DeskPlan, name: str, value: float | str | bool | None, english: str, chinese: str
) -> None:
    """As desk.yaml says of its name; a name that it does not know is a number."""
    en, zh = _both(plan)
    assert (en.value(name, value), zh.value(name, value)) == (english, chinese)


def test_the_sentence_tells_what_the_strongest_rule_saw(plan: DeskPlan) -> None:
    """Numbers with what is usual, not kinds and lists; its title if the alert has another."""
    en, zh = _both(plan)
    clauses = (
        Clause('kind == "transfer"', {"kind": "transfer"}),
        Clause("amount_z > 3", {"amount_z": 18.0, "amount": 84_300.0}, {"amount": 4_700.0}),
        Clause("counterparty_id in lists.x", {"lists.x": "watch"}),
    )
    (reason,) = alert().reasons
    told = alert(reasons=(replace(reason, clauses=clauses),))
    assert en.sentence(told) == (
        "New device, large transfer: deviation of the amount +18.0 σ, "
        "amount ¥84,300 (usually ¥4,700)"
    )
    same = replace(told, title=reason.title)
    assert zh.sentence(same) == "金额偏离常态 +18.0 σ，金额 ¥84,300（平时 ¥4,700）"


def test_without_numbers_the_sentence_is_what_the_rule_means(plan: DeskPlan) -> None:
    """The explanation of the configuration, or nothing for a rule that it does not have."""
    en, _ = _both(plan)
    rule = next(each for each in plan.rules.values() if each.explanation is not None)
    (reason,) = alert().reasons
    known = replace(reason, rule_id=rule.id, clauses=())
    assert rule.explanation is not None
    assert en.sentence(alert(title=reason.title, reasons=(known,))) == rule.explanation.en
    unknown = replace(reason, rule_id="gone", clauses=())
    assert en.sentence(alert(title=reason.title, reasons=(unknown,))) == ""
    assert en.sentence(alert(reasons=())) == ""


def test_each_name_is_one_fact(plan: DeskPlan) -> None:
    """Whichever clauses read it; the first value counts."""
    en, _ = _both(plan)
    clauses = (Clause("a", {"amount": 1.0}), Clause("b", {"amount": 2.0, "kind": "card"}))
    assert en.facts(clauses) == [
        Fact("amount", "amount", "¥1", ""),
        Fact("kind", "kind", "card", ""),
    ]


def test_moments_and_lengths(plan: DeskPlan) -> None:
    """In the bank's zone, the date as the language writes it."""
    en, zh = _both(plan)
    assert en.moment(1_767_236_400_000) == "1 Jan 11:00:00"
    assert zh.moment(1_767_236_400_000) == "1月1日 11:00:00"
    assert (en.length(59_000), zh.length(-25 * HOUR)) == ("0 min", "1天")


def test_a_counterfactual_is_a_tier_or_no_alert(plan: DeskPlan) -> None:
    """In the words of the page."""
    en, zh = _both(plan)
    (reason,) = alert().reasons
    words = {Tier.YELLOW.value: "黄"}
    assert en.counterfactual(reason, words) == "without it: no alert"
    assert zh.counterfactual(replace(reason, tier_without=Tier.YELLOW), words) == "若无此项：黄"


@pytest.mark.parametrize(
    ("kind", "entity_id", "shown"),
    [
        ("customer", "C00001066", "C0••66"),
        ("customer", "C12", "••••"),
        ("customer", "C123", "••••"),
        ("device", "D-9", "D-9"),
        ("complaint", "E\n1", "E\\n1"),
    ],
)
def test_ids_of_customers_are_masked(kind: str, entity_id: str, shown: str) -> None:
    """Those of others are what one has to see."""
    assert masked(kind, entity_id) == shown


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("undo: 10s", "undo: soon"), '"soon" is not a duration'),
        (("red: 15m, ", ""), "no time for red"),
        (("as: money", "as: gold"), "gold"),
        (("currency: ¥", "currency: ¥\nsound: on"), "sound"),
    ],
)
def test_a_wrong_plan_is_refused_at_its_line(
    plan: DeskPlan, change: tuple[str, str], message: str
) -> None:
    """With file, line and column."""
    text = (CONFIGS / "desk.yaml").read_text("utf-8").replace(*change, 1)
    with pytest.raises(ConfigError, match=message) as caught:
        declare(parse(text, "desk.yaml"), {}, plan.terms, plan.zone)
    assert str(caught.value).startswith("desk.yaml:")


def test_a_rule_that_is_gone_is_shown_by_its_id(plan: DeskPlan) -> None:
    """Alerts outlive the rules that raised them."""
    assert plan.title("no.such-rule") == Title("no.such-rule", "no.such-rule")
    assert plan.explanation("no.such-rule") is None
    assert Form.MONEY is plan.words["amount"].form
