"""Documents: every complaint stands at its line and column."""

import pytest
from msgspec import Struct

from sentinel.model.document import ConfigError, parse


class Inner(Struct, forbid_unknown_fields=True):
    """A value with one number."""

    size: int
    note: str = ""


class Outer(Struct, forbid_unknown_fields=True):
    """Lists and mappings of values."""

    items: list[Inner] = []
    named: dict[str, Inner] = {}
    maybe: Inner | None = None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("items:\n  - size: 1\n  - size: x\n", "3:11: expected `int`, got `str`"),
        ("items:\n  - {size: 1, note: 2}\n", "2:21: expected `str`, got `int`"),
        ("named:\n  a: {size: 1}\n  b: {size: no}\n", "3:13: expected `int`, got `str`"),
        (
            "named:\n  a: {size: 1}\n  b: {sise: 1}\n",
            '3:7: unknown field "sise" (did you mean "size"?)',
        ),
        ("maybe: {size: true}\n", "1:15: expected `int`, got `bool`"),
        ("items: {}\n", "1:8: expected `array`, got `object`"),
        ("itens: []\n", '1:1: unknown field "itens" (did you mean "items"?)'),
        ("items: [1, 2\n", "2:1: expected ',' or ']', but got '<stream end>'"),
        ("maybe: {}\n", "1:8: object missing required field `size`"),
    ],
)
def test_errors_stand_where_the_mistake_is(text: str, complaint: str) -> None:
    """Types, unknown keys and broken YAML are all located."""
    with pytest.raises(ConfigError) as error:
        parse(text, "x.yaml").convert(Outer)
    assert str(error.value) == f"x.yaml:{complaint}"


def test_norway_is_not_false() -> None:
    """YAML 1.2: NO is a country, on is a word, and an empty file is an empty mapping."""
    assert parse("country: NO\non: login\n", "x.yaml").data == {"country": "NO", "on": "login"}
    assert parse("", "x.yaml").data == {}


def test_a_date_is_text_until_it_is_converted() -> None:
    """YAML 1.2 has no dates; a day that does not exist would else be an error without a place."""
    text = "day: 2027-02-30\nmoment: 2027-02-06T10:00:00Z\n"
    assert parse(text, "x.yaml").data == {"day": "2027-02-30", "moment": "2027-02-06T10:00:00Z"}
