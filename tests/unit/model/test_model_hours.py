"""The bank's time zone, as engine.yaml names it."""

import pytest

from sentinel.model.document import ConfigError, parse
from sentinel.model.hours import read_zone


def test_a_zone_is_read_by_its_name() -> None:
    """An IANA name."""
    assert str(read_zone(parse("timezone: Asia/Shanghai", "engine.yaml"))) == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        ("timezone: 8", "1:11", "8"),
        ("timezone:", "1:10", ""),
        ('timezone: ""', "1:11", ""),
        ("timezone: [Asia/Shanghai]", "1:11", "['Asia/Shanghai']"),
        ("timezone: Asia/Shangai", "1:11", "Asia/Shangai"),
        ("timezone: ../engine.yaml", "1:11", "../engine.yaml"),
        ("lateness: 1h", "1:1", ""),
        ("- 1", "1:1", ""),
    ],
)
def test_what_names_no_zone_is_refused_with_its_place(text: str, line: str, shown: str) -> None:
    """A number, nothing, another form and a misspelt name, each with a hint."""
    with pytest.raises(ConfigError) as caught:
        read_zone(parse(text, "engine.yaml"))
    assert str(caught.value) == (
        f'engine.yaml:{line}: no time zone "{shown}" (an IANA name such as Asia/Shanghai)'
    )
