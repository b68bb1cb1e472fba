"""A record whose time only looks wrong, and what one that is wrong seems to be."""

import msgspec
import pytest

from sentinel.ingest.extract import extract
from sentinel.ingest.records import READERS
from sentinel.model.events import Stream, epoch_ms
from sentinel.model.ids import PLAIN

OUTSIDE = "is not between 1990 and 2100 in milliseconds"
LOGIN = '{"event_id":"1","event_time":%s,"customer_id":"c","kind":"login","success":true}'


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2017-01-01T07:59:60.25+08:00", 1_483_228_800_250),
        ("2015-06-30T23:59:60Z", 1_435_708_800_000),
    ],
)
def test_a_leap_second_is_the_midnight_behind_it(written: str, expected: int) -> None:
    """RFC 3339 writes it, POSIX time has none."""
    event = READERS[Stream.LOGIN]((LOGIN % f'"{written}"').encode())
    assert epoch_ms(event.event_time) == expected


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('"2016-11-30T23:59:60Z"', "Invalid RFC3339 encoded datetime - at `$.event_time`"),
        ('"2016-12-31T23:60:60Z"', "Invalid RFC3339 encoded datetime - at `$.event_time`"),
        (
            "1767607200.5",
            f"event_time 1767607200 {OUTSIDE}, it looks like seconds",
        ),
        (
            '"20260105"',
            f"event_time 20260105 {OUTSIDE}, it looks like YYYYMMDD",
        ),
        ("true", "Expected `int | datetime`, got `bool` - at `$.event_time`"),
        ('"1e999"', "Invalid RFC3339 encoded datetime - at `$.event_time`"),
    ],
)
def test_a_time_that_is_none_is_told(written: str, message: str) -> None:
    """Numbers, in text or with decimals, are told with the unit that they seem to be in."""
    with pytest.raises(msgspec.ValidationError) as caught:
        READERS[Stream.LOGIN]((LOGIN % written).encode())
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("written", "expected"),
    [("0E-8", 0.0), ("0E-18", 0.0), ("1.25E+3", 1250.0), ("12.50e-1", 1.25), ("9E14", 9e14)],
)
def test_decimal_text_may_have_an_exponent(written: str, expected: float) -> None:
    """Java's BigDecimal and Python's Decimal write some numbers so, zero among them."""
    record = (
        '{"event_id":"1","event_time":1767607200000,"customer_id":"c","kind":"card",'
        f'"direction":"debit","amount":"{written}"}}'
    )
    (column,) = extract(
        Stream.TRANSACTION, [READERS[Stream.TRANSACTION](record.encode())], ["amount"], PLAIN
    ).values()
    assert column.tolist() == [expected]
