"""Values as sources write them, with what each means; nothing of Sentinel's is used.

A meaning is the value, ``None`` for one that is missing, or :data:`REFUSED` for what no reader may
make a value of.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address, ip_network
from random import Random
from typing import Any
from zoneinfo import ZoneInfo


class Refused:
    """The meaning of what must not become a value."""


REFUSED = Refused()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(2025, 1, 1, tzinfo=UTC)
_NAMES = ["ann", "张三", "李四", "O'Neil", "Müller-Lüdenscheidt", "k" * 128, "a,b", 'say "x"', "7"]
_PLACEHOLDERS = ["N/A", "null", "-", "unknown", "0", "None"]


@dataclass(frozen=True)
class Written:
    """A text in a file, and its meaning."""

    text: str
    meaning: Any


def number(random: Random, decimal: str | None, *, wrong: bool = True) -> Written:
    """An amount, with the decimal mark of the file; without one no thousands are marked."""
    mark = decimal or "."
    other = {".": ",", ",": "."}[mark]
    value = Decimal(random.randrange(10 ** random.randint(1, 11)))
    value = value.scaleb(-random.randint(0, 4))
    text = format(value, "f").replace(".", mark)
    whole, _, part = text.partition(mark)
    tail = f"{mark}{part}" if part else ""
    style = random.randrange(8 if wrong else 6)
    if style == 1:
        text = whole.zfill(12) + tail
    elif style == 2:
        text = f"+{text}"
    elif style == 3 and decimal is not None:
        groups = f"{int(whole):,}".replace(",", random.choice([other, " ", "\u00a0", "'"]))
        text = groups + tail
    elif style == 4:
        text = f" {text} "
    elif style == 5 and mark == ".":
        text = f"{value:E}"
    elif style >= 6:
        text = random.choice(["abc", "1e", "--5", "1,2,3.4", "0x10", "NaN", "Infinity", "1 2"])
        return Written(text, REFUSED)
    return Written(text, float(value))


def moment(random: Random, *, seconds: bool = False, wrong: bool = True) -> Written:
    """A time that says its zone or is a number, in the unit of the file."""
    ms = random.randrange(365 * 86_400_000)
    if seconds:
        at = _FIRST + timedelta(milliseconds=ms // 1000 * 1000)
        number = int(at.timestamp())
        text = random.choice([str(number), f"{number}.0", f"{number}.000"])
        return Written(text, number * 1000)
    at = _FIRST + timedelta(milliseconds=ms)
    at_ms = (at - _EPOCH) // timedelta(milliseconds=1)
    style = random.randrange(8 if wrong else 5)
    zone = ZoneInfo(random.choice(["UTC", "Asia/Shanghai", "America/New_York"]))
    text = at.astimezone(zone).isoformat(timespec="milliseconds")
    if style == 1:
        text = str(at_ms)
    elif style == 2:
        text = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03}Z"
    elif style == 3:
        leap = random.choice(["2016-12-31T23:59:60Z", "2017-01-01T07:59:60+08:00"])
        return Written(leap, 1_483_228_800_000)
    elif style >= 5:
        naive = at.strftime("%Y-%m-%d %H:%M:%S")
        seconds_text, day = str(at_ms // 1000), at.strftime("%Y%m%d")
        text = random.choice([naive, seconds_text, day, "soon", "2025-02-30T00:00:00Z", "45000"])
        return Written(text, REFUSED)
    return Written(text, at_ms)


def name(random: Random, *, required: bool) -> Written:
    """An id; what names nothing is missing, or refuses the event that needs it."""
    if random.randrange(6) == 0:
        return Written(random.choice(_PLACEHOLDERS), REFUSED if required else None)
    text = random.choice(_NAMES) + (str(random.randrange(50)) if random.random() < 0.5 else "")
    return Written(text[:128], text[:128])


def address(random: Random) -> Written:
    """An address in one of its spellings; the meaning is whose it is, IPv6 by /64."""
    style = random.randrange(8)
    if style < 3:
        v4 = str(IPv4Address(random.randrange(1 << 24, 0xE0000000)))
        port = f":{random.randrange(1, 65536)}"
        return Written(random.choice([v4, v4 + port, f"::ffff:{v4}", f" {v4}"]), v4)
    if style < 6:
        v6 = IPv6Address((0x20010DB8 << 96) + random.randrange(1 << 90))
        text = random.choice([v6.compressed, v6.exploded, v6.compressed.upper()])
        text = random.choice([text, f"[{text}]:443", f"{text}%eth0"])
        return Written(text, str(ip_network((v6, 64), strict=False)))
    return Written(random.choice(["unknown", "-", "0.0.0.0", "::", "n/a", "1.2.3.256"]), None)  # noqa: S104
