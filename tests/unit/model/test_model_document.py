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


_DEEP_MAP = "\n".join(f"{' ' * depth}a:" for depth in range(3_000))
HOSTILE = {
    "deep list": ("[" * 5_000, "1:41: nested deeper than 40 levels"),
    "deep map": (_DEEP_MAP, "40:40: nested deeper than 40 levels"),
    "tag": ("a: !!int x", "1:4: tags are not read: YAML's own types are enough"),
    "python tag": ("a: !!python/object:os.system x", "1:4: tags are not read"),
    "anchor": ("a: &a [1]\nb: 2", "1:4: anchors and aliases are not read: write it out"),
    "alias": ("a: 1\nb: *a", "2:4: anchors and aliases are not read: write it out"),
    "control character": ("a: 1\nbc: \x1b[31m", "2:5: the character U+001B is not allowed"),
    "no character": ("a: \ufffe", "1:4: the character U+FFFE is not allowed"),
    "half a character": ('a: "\\ud800"', "1:4: half a character"),
    "no such number": ('a: 1\nb: "x\\UFFFFFFFF"', "2:6: there is no character of this number"),
    "beyond Unicode": ('a: "\\U00110000"', "1:5: there is no character of this number"),
    "endless number": (f"a: {'9' * 5_000}", "1:4: a number of 5000 digits"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_nobody_needs_is_refused_at_its_place(name: str) -> None:
    """Quickly, and as a ConfigError: a published configuration may say anything."""
    text, message = HOSTILE[name]
    with pytest.raises(ConfigError) as caught:
        parse(text, "f.yaml")
    assert str(caught.value).startswith(f"f.yaml:{message}")
