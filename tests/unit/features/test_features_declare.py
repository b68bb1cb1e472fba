"""features.yaml: what it may say, and the exact complaint when it says something else."""

import pytest

from sentinel.features import Declarations, declare
from sentinel.model.columns import Kind
from sentinel.model.document import ConfigError, parse


def declared(line: str) -> Declarations:
    """A file with one feature ``x`` on line 3."""
    return declare(parse(f"features:\n  customer:\n    x: {line}\n", "features.yaml"))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{on: transaction, count: true}", "3:8: count needs a window or a calendar period"),
        (
            "{on: transaction, sum: amonut, window: 1h}",
            '3:31: transaction has no field "amonut" (did you mean "amount"?)',
        ),
        (
            "{on: transaction, sum: device_id, window: 1h}",
            "3:31: sum takes a number field; device_id is a string",
        ),
        (
            "{on: login, distinct: lat, window: 1h}",
            "3:30: distinct takes a string field; lat is a number",
        ),
        (
            "{on: transaction, count: true, window: 10 min}",
            '3:47: "10 min" is not a duration: a whole number and s, m, h or d, like 10m',
        ),
        (
            "{on: transaction, count: true, calendar: year}",
            '3:49: no calendar period "year" (day, week or month)',
        ),
        (
            "{on: transaction, count: true, sum: amount, window: 1h}",
            (
                "3:8: a feature computes one thing, here: count, sum (one of count, sum, mean, "
                "max, min, passed_on, distinct, first_seen, zscore, velocity, since_last, "
                "hour_rarity)"
            ),
        ),
        (
            "{on: transaction, count: true, windwo: 1h}",
            '3:39: unknown field "windwo" (did you mean "window"?)',
        ),
        (
            "{on: [login, transaction], count: true, window: 1h}",
            "3:13: count is computed on one stream",
        ),
        (
            "{on: transaction, count: true, window: 1h, keep: 4}",
            "3:57: count takes no keep",
        ),
        (
            "{on: login, first_seen: device_id, memory: 9d, keep: 100}",
            "3:61: keep is 1 to 64 values",
        ),
        (
            "{on: transaction, passed_on: amount, window: 1d, where: amount > 1}",
            "3:8: passed_on needs where and after (of what came in (after) what went out (where))",
        ),
        (
            "{on: transaction, sum: amount, window: 1d, after: amount > 1}",
            "3:58: sum takes no after",
        ),
        ("{on: login, first_seen: device_id}", "3:8: first_seen needs a memory (memory: 7d)"),
        ("{on: login, velocity: [lat]}", "3:30: velocity takes [latitude, longitude]"),
    ],
)
def test_errors_name_the_place(line: str, complaint: str) -> None:
    """Each mistake is one line: file, line, column, what is wrong and a hint."""
    with pytest.raises(ConfigError) as error:
        declared(line)
    assert str(error.value) == f"features.yaml:{complaint}"


def test_a_feature_may_not_shadow_a_field() -> None:
    """A rule could not tell the two apart."""
    with pytest.raises(ConfigError, match='3:5: "amount" is a field of an event'):
        declare(
            parse(
                "features:\n  customer:\n    amount: {on: login, count: true, window: 1h}\n",
                "features.yaml",
            )
        )


def test_first_seen_is_a_truth_and_counts_are_never_missing() -> None:
    """The kinds that conditions see."""
    seen = declared("{on: login, first_seen: device_id, memory: 9d}").features[0].column
    count = declared("{on: login, count: true, window: 1h}").features[0].column
    assert (seen.kind, seen.required) == (Kind.TRUTH, False)
    assert (count.kind, count.required) == (Kind.NUMBER, True)
