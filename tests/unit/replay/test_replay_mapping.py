"""Mapping files: what they may say, and the exact words for what they may not."""

from pathlib import Path

import pytest

from sentinel.model.document import ConfigError, parse
from sentinel.model.events import Stream
from sentinel.replay import mapping
from sentinel.replay.block import ReplayError

LOGIN = """\
stream: login
fields:
  event_id: {template: "l-{row}"}
  event_time: {from: when, unit: s}
  customer_id: who
  kind: {value: login}
  success: ok
"""


def _load(text: str) -> mapping.Mapping:
    return mapping.load(parse(text, "map.yaml"))


def test_a_mapping_names_the_columns_it_reads() -> None:
    """Columns come once each, in the order of the fields, constants not at all."""
    loaded = _load(LOGIN)
    assert loaded.stream is Stream.LOGIN
    assert loaded.columns() == ["row", "when", "who", "ok"]


@pytest.mark.parametrize(
    "name",
    [
        "adyen",
        "cards",
        "complaints",
        "debezium",
        "iso8583",
        "narratives",
        "paysim",
        "sparkov",
        "sshd",
        "stripe",
    ],
)
def test_every_shipped_mapping_loads_by_its_name(name: str) -> None:
    """The mappings that come with Sentinel are right."""
    assert name in mapping.shipped()
    assert mapping.read(name).fields["event_time"]


def test_a_mapping_is_read_by_path(tmp_path: Path) -> None:
    """A path works as well as a shipped name, and errors show it."""
    path = tmp_path / "mine.yaml"
    path.write_text("stream: logins\nfields: {}\n")
    with pytest.raises(ConfigError, match=rf"{path}:1:9: "):
        mapping.read(str(path))


def test_an_unknown_name_says_which_mappings_are_shipped() -> None:
    """A wrong name is answered with the right ones."""
    with pytest.raises(ReplayError) as caught:
        mapping.read("card")
    assert str(caught.value) == (
        'no mapping "card": give a file, or one of adyen, cards, complaints, '
        "debezium, iso8583, narratives, paysim, sparkov, sshd, stripe"
    )


BAD = {
    "unknown key": (
        LOGIN + "  ip: {form: rhost}\n",
        'map.yaml:8:8: unknown field "form" (did you mean "format"?)',
    ),
    "unknown event field": (
        LOGIN + "  user_agnt: ip\n",
        'map.yaml:8:3: a login has no field "user_agnt" (did you mean "user_agent"?)',
    ),
    "required field left out": (
        LOGIN.replace("  success: ok\n", ""),
        'map.yaml:3:3: a login needs the field "success"',
    ),
    "neither a column nor a mapping": (
        LOGIN + "  ip: 5\n",
        "map.yaml:8:7: expected a column's name, several, or a mapping",
    ),
    "two origins": (
        LOGIN + "  ip: {from: a, value: b}\n",
        "map.yaml:8:7: needs exactly one of from, template, sign_of, value and sequence",
    ),
    "no origin": (
        LOGIN + "  ip: {cut: 3}\n",
        "map.yaml:8:7: needs exactly one of from, template, sign_of, value and sequence",
    ),
    "template without columns": (
        LOGIN + "  ip: {template: none}\n",
        "map.yaml:8:18: names no {COLUMN} (a constant is written value:)",
    ),
    "one id for all": (
        LOGIN.replace('{template: "l-{row}"}', "{value: x}"),
        "map.yaml:3:13: every event needs an id of its own",
    ),
    "otherwise alone": (
        LOGIN + "  ip: {from: a, otherwise: b}\n",
        "map.yaml:8:28: stands only beside choices",
    ),
    "format of a text": (
        LOGIN + '  ip: {from: a, format: "%d"}\n',
        "map.yaml:8:25: only a time has format",
    ),
    "scale of a text": (
        LOGIN + "  ip: {from: a, scale: 2}\n",
        "map.yaml:8:24: only a number has scale",
    ),
    "cut of a number": (
        LOGIN + "  lat: {from: a, cut: 2}\n",
        "map.yaml:8:23: only a text has cut",
    ),
    "cut to nothing": (
        LOGIN + "  ip: {from: a, cut: 0}\n",
        "map.yaml:8:22: expected at least 1",
    ),
    "unknown zone": (
        LOGIN.replace("unit: s", "unit: s, zone: Asia/Shangai"),
        'map.yaml:4:43: "Asia/Shangai" is not a time zone',
    ),
    "two years": (
        LOGIN.replace("unit: s", 'format: "%Y-%m", zone: UTC, year: 2020'),
        "map.yaml:4:62: the format has a year of its own",
    ),
    "year alone": (
        LOGIN.replace("unit: s", "year: 2020"),
        "map.yaml:4:34: stands only beside format",
    ),
    "no zone": (
        LOGIN.replace("unit: s", 'format: "%Y-%m"'),
        "map.yaml:4:36: has no zone (add zone: Asia/Shanghai, or that of the data)",
    ),
    "text and number": (
        LOGIN.replace("unit: s", 'unit: s, format: "%Y-%m"'),
        "map.yaml:4:45: stands beside unit: a time is a number or a text",
    ),
    "unknown unit": (
        LOGIN.replace("unit: s", "unit: sec"),
        'map.yaml:4:34: "sec" is none of ns, us, ms, s, min, h, day',
    ),
    "since alone": (
        LOGIN.replace("unit: s", 'since: "2026-01-01T00:00:00Z"'),
        "map.yaml:4:35: stands only beside unit",
    ),
    "since nowhere": (
        LOGIN.replace("unit: s", 'unit: day, since: "1899-12-30"'),
        "map.yaml:4:46: has no zone (write 1899-12-30T00:00:00Z, or add zone:)",
    ),
    "since never": (
        LOGIN.replace("unit: s", "unit: day, since: once"),
        'map.yaml:4:46: "once" is not a time like 2026-01-05T10:00:00+08:00',
    ),
    "unknown encoding": (
        "encoding: gbk2\n" + LOGIN,
        'map.yaml:1:11: "gbk2" is no encoding of text (like gb18030)',
    ),
    "long delimiter": (
        'delimiter: "||"\n' + LOGIN,
        "map.yaml:1:12: expected one character of ASCII, no quote",
    ),
    "one mark for both": (
        'delimiter: ","\ndecimal: ","\n' + LOGIN,
        "map.yaml:1:12: is the decimal mark, too",
    ),
    "no column": (
        LOGIN + "  ip: {from: []}\n",
        "map.yaml:8:14: names no column",
    ),
    "sign without choices": (
        LOGIN + "  method: {sign_of: a, choices: {minus: x}}\n",
        'map.yaml:8:21: needs choices for "-" and "+"',
    ),
    "absolute text": (
        LOGIN + "  ip: {from: a, absolute: true}\n",
        "map.yaml:8:27: only a number has absolute",
    ),
    "only by no group": (
        LOGIN + "lines: ['(?P<who>.) (?P<when>.) (?P<ok>.)']\nonly: {okk: [a]}\n",
        'map.yaml:9:13: no pattern in lines has a group named "okk" (did you mean "ok"?)',
    ),
    "bad period": (
        LOGIN.replace("{from: when, unit: s}", '{sequence: {start: "2024-01-01", every: fast}}'),
        'map.yaml:4:55: "fast" is not a duration: a whole number and s, m, h or d, like 10m',
    ),
    "bad start": (
        LOGIN.replace("{from: when, unit: s}", '{sequence: {start: "2024-01-01", every: 1m}}'),
        'map.yaml:4:34: "2024-01-01" is not a moment like 2026-01-05T10:00:00+08:00',
    ),
    "constant that is no choice": (
        LOGIN.replace("{value: login}", "{value: logn}"),
        "map.yaml:6:17: kind: invalid enum value 'logn' (did you mean \"login\"?)",
    ),
    "choice of the wrong kind": (
        LOGIN.replace("success: ok", "success: {from: ok, choices: {A: maybe}}"),
        "map.yaml:7:36: success: expected `bool`, got `str`",
    ),
    "bad pattern": (
        LOGIN + "lines: ['(?P<who>']\n",
        (
            'map.yaml:8:9: "(?P<who>" is not a regular expression: missing ): (?P<who> '
            "(RE2's syntax, as in Alertmanager)"
        ),
    ),
    "column that no pattern gives": (
        LOGIN + "lines: ['(?P<who>.) (?P<wen>.) (?P<ok>.)']\n",
        'map.yaml:4:15: no pattern in lines has a group named "when" (did you mean "wen"?)',
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_a_wrong_mapping_is_refused_at_the_place_of_the_mistake(text: str, message: str) -> None:
    """Each mistake has its own words and its line and column."""
    with pytest.raises(ConfigError) as caught:
        _load(text)
    assert str(caught.value) == message
