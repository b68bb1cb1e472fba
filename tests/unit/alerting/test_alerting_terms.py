"""actions.yaml: what restricts a customer has a ground and an end; wrong files say where."""

from pathlib import Path

import pytest
from tests.unit.alerting.desk import START, signal

from sentinel.alerting import load, read_terms
from sentinel.model.document import ConfigError, parse
from sentinel.model.signal import CONTAINMENT, Action
from sentinel.settings import read_configuration

CONFIGS = Path(__file__).parents[3] / "configs"
SHIPPED = (CONFIGS / "actions.yaml").read_text("utf-8")
HOUR_MS = 3_600_000


def test_what_restricts_a_customer_has_a_ground_and_an_end() -> None:
    """Every restriction names document and article in both languages; nothing else has one."""
    terms = read_terms(parse(SHIPPED, "actions.yaml"))
    assert set(terms) == set(Action)
    assert {each for each in Action if terms[each].restriction} == CONTAINMENT
    assert not any("freeze" in each or "冻结" in terms[each].title.zh for each in Action)
    for action in CONTAINMENT - {Action.RESTRICT_CREDIT}:
        restriction = terms[action].restriction
        assert restriction is not None
        assert "art. 18 and 32" in restriction.ground.en
        assert "第十八条、第三十二条" in restriction.ground.zh
        assert restriction.longest_ms <= 72 * HOUR_MS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("    longest: 72h\n", ""), "suspend_account restricts a customer"),
        (("    longest: 72h\n", "    longest: soon\n"), 'actions.yaml:13:14: "soon" is not'),
        (("  report_large_value:", "  report:"), "actions.yaml:"),
        (
            ("zh: 加强认证}", "zh: 加强认证}\n    longest: 3h"),
            "step_up_auth restricts nobody: it has a title alone",
        ),
    ],
)
def test_wrong_terms_are_refused_at_their_line(change: tuple[str, str], message: str) -> None:
    """With file, line and column, and what is missing."""
    text = SHIPPED.replace(*change, 1)
    assert text != SHIPPED
    with pytest.raises(ConfigError) as caught:
        read_terms(parse(text, "actions.yaml"))
    assert message in str(caught.value)


def test_every_action_has_terms() -> None:
    """One that a configuration forgets is named."""
    text = SHIPPED[: SHIPPED.index("  report_large_value:")]
    with pytest.raises(ConfigError, match="no entry for report_large_value"):
        read_terms(parse(text, "actions.yaml"))


def test_a_request_to_restrict_says_when_it_ends() -> None:
    """By the time of its revision and the longest time of the action; others do not end."""
    files = read_configuration(None).documents
    what = load(
        files["tiers.yaml"],
        files["suppression.yaml"],
        read_configuration(None).bounds.local_time.zone,
        terms=read_terms(files["actions.yaml"]),
    )
    what.begin("v1")
    what.advance(START)
    what.process([signal(1, severity=90, actions=(Action.DELAY_TRANSFER, Action.REVIEW_ACCOUNT))])
    delay, review = what.drain().action_requests
    assert (delay.action, delay.expires_at) == (Action.DELAY_TRANSFER, START + 24 * HOUR_MS)
    assert (review.action, review.expires_at) == (Action.REVIEW_ACCOUNT, None)
