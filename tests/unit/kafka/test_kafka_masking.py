"""Masking: what readers of a topic see of a customer, and what the key has to be."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.delivery.alerts import CUSTOMER, alert

from sentinel.alerting.cloudevent import encode
from sentinel.alerting.revision import request
from sentinel.kafka.masking import Mask, Masking, Method, read_masking
from sentinel.model.document import ConfigError
from sentinel.model.response import ResponseKind, ResponseResult
from sentinel.model.response_outcome import ResponseOutcome
from sentinel.settings import Settings, SettingsError

KEY = b"0123456789abcdef"
OPEN = Mask()
TOKEN = Mask(customer=Method.TOKEN, event=Method.TOKEN, values="drop")
OUTCOME = ResponseOutcome(
    outcome_id="R1.0.7",
    response_id="R1",
    partition=0,
    offset=7,
    key=CUSTOMER,
    kind=ResponseKind.RETRACT,
    actor="li.wei",
    alert_id="0f" * 16,
    event_id="E4711",
    result=ResponseResult.APPLIED,
    revision=3,
    reason=None,
    detail=None,
    processed_at=1_767_225_600_007,
)


def _masking(mask: Mask = TOKEN, key: bytes = KEY) -> Masking:
    return Masking(OPEN, mask, mask, mask, key)


def test_an_open_mask_changes_nothing() -> None:
    """The very same alert, not a copy."""
    one = alert()
    assert _masking().alert(one, OPEN) is one


def test_a_masked_alert_holds_nothing_of_the_customer() -> None:
    """Neither id nor values are anywhere in its bytes; everything else is."""
    one = alert()
    data = encode(_masking().alert(one, TOKEN))
    assert CUSTOMER.encode() not in data
    assert b"123456" not in data
    assert b"E1" not in data
    assert one.alert_id.encode() in data
    assert b"amount > 3" in data


def test_a_token_is_the_same_for_the_same_customer_and_key() -> None:
    """Revisions stay together under it; another key gives another token."""
    masking = _masking()
    first, second = (masking.alert(alert(revision=n), TOKEN) for n in (1, 2))
    assert first.key == first.entity.id == second.key
    other = _masking(key=b"fedcba9876543210").alert(alert(), TOKEN)
    assert other.key != first.key
    assert len(first.key) == 24


@pytest.mark.parametrize(("method", "seen"), [(Method.PARTIAL, "…0815"), (Method.DROP, "")])
def test_partial_and_drop(method: Method, seen: str) -> None:
    """The last four characters, or none."""
    masked = _masking(Mask(customer=method)).alert(alert(), Mask(customer=method))
    assert (masked.key, masked.entity.id) == (seen, seen)


def test_short_ids_are_not_shown_in_part() -> None:
    """Four characters of four would be all of it."""
    short = alert(key="C123")
    mask = Mask(customer=Method.PARTIAL)
    assert _masking(mask).alert(short, mask).key == "…"


def test_requested_actions_are_masked_too() -> None:
    """The id in key and entity."""
    masked = _masking().action(request(alert(), alert().actions[0]))
    assert CUSTOMER not in str(masked)


def test_outcomes_of_responses_are_masked_too() -> None:
    """The customer in key and event; who answers which alert stays readable."""
    masked = _masking().response_outcome(OUTCOME)
    assert (masked.alert_id, masked.actor) == (OUTCOME.alert_id, "li.wei")
    assert CUSTOMER not in str(masked)
    assert "E4711" not in str(masked)
    assert _masking(OPEN).response_outcome(OUTCOME) == OUTCOME
    nothing = replace(OUTCOME, event_id=None)
    assert _masking().response_outcome(nothing).event_id is None


def _read(folder: Path, text: str, **settings: str) -> Masking:
    (folder / "masking.yaml").write_text(text, encoding="utf-8")
    return read_masking(Settings(configs=str(folder), **settings))  # type: ignore[arg-type]


def test_the_shipped_masks_are_open() -> None:
    """Nothing is hidden until somebody says so, and no key is needed."""
    masking = read_masking(Settings())
    assert masking.alerts == masking.tiers == masking.actions == OPEN
    assert masking.response_results == OPEN


def test_tokens_need_a_key_of_some_length(tmp_path: Path) -> None:
    """Without, or too short, or not there: one line that names the variable."""
    text = "alerts: {}\ntiers: {customer: token}\nactions: {}\nresponse_results: {}\n"
    key = tmp_path / "key"
    with pytest.raises(SettingsError, match="set SENTINEL_MASKING_KEY_FILE"):
        _read(tmp_path, text)
    with pytest.raises(SettingsError, match="No such file"):
        _read(tmp_path, text, masking_key_file=str(key))
    key.write_bytes(b"short\n")
    with pytest.raises(SettingsError, match="16 bytes"):
        _read(tmp_path, text, masking_key_file=str(key))
    key.write_bytes(KEY + b"\n")
    assert _read(tmp_path, text, masking_key_file=str(key)).tiers.customer is Method.TOKEN


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tiers: {customer: hash}", '2:19: "hash" is none of token, partial, drop'),
        ("tiers: {values: token}", "2:17: "),
        ("tier: {}", '2:1: unknown field "tier" (did you mean "tiers"?)'),
    ],
)
def test_a_wrong_mask_is_refused_at_its_place(tmp_path: Path, line: str, message: str) -> None:
    """As all configuration errors are."""
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, f"alerts: {{}}\n{line}\nactions: {{}}\nresponse_results: {{}}\n")
    assert str(caught.value).startswith(f"masking.yaml:{message}")
