"""Measures in features.yaml: what is wrong is refused at its place, with a hint."""

import pytest

from sentinel.entities import declare, lay_out
from sentinel.model.columns import Kind
from sentinel.model.document import ConfigError, parse
from sentinel.model.entity import EntityKind

BAD = {
    "nothing computed": ("{on: login, window: 5m}", "a measure computes one thing, here: none"),
    "two things": (
        "{on: login, count: true, distinct: customer_id, window: 5m}",
        "a measure computes one thing, here: count, distinct",
    ),
    "a stream that names none": (
        "{on: complaint, count: true, window: 5m}",
        "a complaint names no ip",
    ),
    "distinct of others": (
        "{on: login, distinct: device_id, window: 5m}",
        "distinct counts customer_id only",
    ),
    "no such field": (
        "{on: transaction, sum: amout, window: 5m}",
        'transaction has no field "amout"',
    ),
    "a sum of words": ("{on: transaction, sum: kind, window: 5m}", "sum takes a number"),
    "a verdict on a login": (
        "{on: login, verdict: confirmed, count: true, window: 5m}",
        "verdicts are measured on transactions",
    ),
    "a verdict with where": (
        "{on: transaction, verdict: confirmed, count: true, where: 'amount > 3', window: 5m}",
        "a measure of verdicts takes no where",
    ),
    "a verdict of others": (
        "{on: transaction, verdict: confirmed, sum: balance_after, window: 5m}",
        "verdicts are counted, or their amount summed",
    ),
    "no such verdict": (
        "{on: transaction, verdict: guilty, count: true, window: 5m}",
        "guilty",
    ),
    "not a duration": ("{on: login, count: true, window: soon}", "soon"),
    "too short": ("{on: login, count: true, window: 10s}", "is 1m to 7d"),
}


@pytest.mark.parametrize(("entry", "message"), BAD.values(), ids=BAD)
def test_a_bad_measure_is_refused(entry: str, message: str) -> None:
    """The error names the file and line, and what is wrong."""
    text = f"features:\n  customer: {{}}\n  ip:\n    some: {entry}\n"
    with pytest.raises(ConfigError) as caught:
        declare(parse(text, "features.yaml"))
    assert str(caught.value).startswith("features.yaml:4:")
    assert message in str(caught.value)


def test_a_name_that_no_condition_could_read_is_refused() -> None:
    """Names are plain words."""
    text = "features:\n  ip:\n    some-name: {on: login, count: true, window: 5m}\n"
    with pytest.raises(ConfigError, match='"some-name" is not a plain name'):
        declare(parse(text, "features.yaml"))


def test_measures_are_numbers_that_are_always_there() -> None:
    """A rule needs not ask whether a measure is known."""
    text = "features:\n  ip:\n    n: {on: login, count: true, window: 5m}\n"
    (column,) = declare(parse(text, "features.yaml")).columns(EntityKind.IP).values()
    assert (column.name, column.kind, column.required) == ("n", Kind.NUMBER, True)


def test_only_what_is_demanded_is_laid_out_and_equal_parts_are_shared() -> None:
    """Two windows over one condition have one part in a row; other measures have none."""
    text = """
features:
  ip:
    a: {on: login, count: true, window: 1m}
    b: {on: login, count: true, window: 1h}
    c: {on: login, distinct: customer_id, window: 1h}
"""
    measures = declare(parse(text, "features.yaml"))
    demand = {EntityKind.IP: frozenset({"a", "b"})}
    (kind,) = lay_out(measures, demand).kinds
    assert (kind.names, len(kind.parts), kind.width) == (("a", "b"), 1, 5)
    assert lay_out(measures, {}).kinds == ()
    other = lay_out(measures, {EntityKind.IP: frozenset({"a"})}).kinds[0]
    assert other.version != kind.version


def test_too_many_conditions_are_refused() -> None:
    """Each condition has a bit of a word."""
    entries = "".join(
        f"    m{n}: {{on: transaction, count: true, where: 'amount > {n}', window: 1m}}\n"
        for n in range(63)
    )
    measures = declare(parse(f"features:\n  ip:\n{entries}", "features.yaml"))
    demand = {EntityKind.IP: frozenset(measures.columns(EntityKind.IP))}
    with pytest.raises(ConfigError, match="more than 62 different conditions"):
        lay_out(measures, demand)
