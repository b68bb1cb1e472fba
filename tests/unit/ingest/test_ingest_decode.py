"""Decoding: every record becomes an event or a dead letter, whatever its bytes."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.ingest import NEVER, Limits, OtherValues, decode
from sentinel.model.columns import FIELDS, Kind
from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.model.ids import PLAIN
from sentinel.model.step import Chunk, DeadLetterReason

NOW_MS = 1_767_571_200_000
LIMITS = Limits(
    lateness_ms=3_600_000,
    future_skew_ms=300_000,
    max_value_bytes=10_000,
    remembered_events=1_000,
    base_currency="CNY",
    rates={"CNY": 1.0, "USD": 7.0},
)
ALL = frozenset(FIELDS[Stream.TRANSACTION])
GOOD: dict[str, Any] = {
    "event_id": "t1",
    "event_time": NOW_MS,
    "customer_id": "c1",
    "kind": "transfer",
    "direction": "debit",
    "amount": 12.5,
}


def chunk(*values: bytes | None, stream: Stream = Stream.TRANSACTION) -> Chunk:
    """Records with offsets 10, 12, 14 … recorded at NOW_MS."""
    count = len(values)
    return Chunk(
        stream=stream,
        topic=f"sentinel.{stream}s",
        partition=3,
        offsets=list(range(10, 10 + 2 * count, 2)),
        recorded_ms=[NOW_MS] * count,
        keys=[b"k"] * count,
        values=list(values),
    )


def encoded(**changes: object) -> bytes:
    """A good transaction with some fields changed; None removes a field."""
    fields = {**GOOD, **changes}
    return json.dumps({k: v for k, v in fields.items() if v is not None}).encode()


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (None, DeadLetterReason.EMPTY, "no value"),
        (b"", DeadLetterReason.EMPTY, "no value"),
        (b"\x00\xff\xfe", DeadLetterReason.MALFORMED, "invalid character"),
        (b'{"event_id": "t1"', DeadLetterReason.MALFORMED, "truncated"),
        (b"[" * 5000, DeadLetterReason.MALFORMED, "nested deeper than 128 levels"),
        (b'{"x":' * 1900, DeadLetterReason.MALFORMED, ""),
        (b"null", DeadLetterReason.SCHEMA, "Expected `object`, got `null`"),
        (b"{}", DeadLetterReason.SCHEMA, "missing required field `event_id`"),
        (encoded(amount=-1), DeadLetterReason.SCHEMA, "`float` >= 0.0"),
        (encoded(amount="1e15"), DeadLetterReason.SCHEMA, "matching regex"),
        (encoded(amount=True), DeadLetterReason.SCHEMA, "got `bool`"),
        (encoded(amount=10**400), DeadLetterReason.SCHEMA, "out of range"),
        (encoded().replace(b"12.5", b"NaN"), DeadLetterReason.MALFORMED, "invalid character"),
        (encoded().replace(b"12.5", b"1e999"), DeadLetterReason.SCHEMA, "out of range"),
        (encoded(kind="gift"), DeadLetterReason.SCHEMA, "Invalid enum value 'gift'"),
        (encoded(customer_id=""), DeadLetterReason.SCHEMA, "length >= 1"),
        (encoded(customer_id="x" * 200), DeadLetterReason.SCHEMA, "length <= 128"),
        (encoded(lat=91), DeadLetterReason.SCHEMA, "<= 90"),
        (encoded(currency="XAU"), DeadLetterReason.SCHEMA, "currency XAU has no rate"),
        (encoded(event_time=2**70), DeadLetterReason.SCHEMA, "event_time"),
        (encoded(event_time=True), DeadLetterReason.SCHEMA, "got `bool`"),
        (encoded(event_time=0), DeadLetterReason.SCHEMA, "event_time 0 is not between 1990"),
        (encoded(event_time=1_767_607_200), DeadLetterReason.SCHEMA, "looks like seconds"),
        (encoded(event_time=20_260_105), DeadLetterReason.SCHEMA, "looks like YYYYMMDD"),
        (encoded(event_time=20260105100000), DeadLetterReason.SCHEMA, "looks like YYYYMMDDhhmmss"),
        (encoded(event_time=46_027), DeadLetterReason.SCHEMA, "looks like days of a spreadsheet"),
        (encoded(event_time=1_767_607_200 * 10**6), DeadLetterReason.SCHEMA, "microseconds"),
        (encoded(event_time=1_767_607_200 * 10**9), DeadLetterReason.SCHEMA, "nanoseconds"),
        (encoded(event_time="1950-01-01T00:00:00Z"), DeadLetterReason.SCHEMA, "1990 and 2100"),
        (encoded(event_time="2026-01-05T00:00:00"), DeadLetterReason.SCHEMA, "timezone"),
        (encoded(event_time=NOW_MS + 300_001), DeadLetterReason.FUTURE, "300001 ms after"),
        (encoded(account_id="y" * 10_001), DeadLetterReason.TOO_LARGE, "at most 10000"),
    ],
)
def test_bad_records_become_dead_letters(
    value: bytes | None, reason: DeadLetterReason, detail: str
) -> None:
    """A bad record between two good ones is put aside whole, with its place and reason."""
    decoded = decode(Stream.TRANSACTION, [chunk(encoded(), value, encoded())], LIMITS, ALL)
    assert [event.event_id for event in decoded.events] == ["t1", "t1"]
    (letter,) = decoded.dead_letters
    assert (letter.topic, letter.partition, letter.offset) == ("sentinel.transactions", 3, 12)
    assert (letter.value, letter.key, letter.reason) == (value, b"k", reason)
    assert detail in letter.detail


def test_a_record_without_timestamp_is_judged_by_now_or_its_predecessor() -> None:
    """Nobody may move the clocks ahead by leaving the timestamp out; a simulation has no other."""
    ahead = chunk(encoded(event_time=NOW_MS + 10**9))
    ahead.recorded_ms[0] = 0
    for previous_ms, wall_ms in ((NEVER, NOW_MS), (NOW_MS, NOW_MS + 2 * 10**9)):
        decoded = decode(
            Stream.TRANSACTION, [ahead], LIMITS, ALL, previous_ms=previous_ms, until_ms=wall_ms
        )
        assert [each.reason for each in decoded.dead_letters] == [DeadLetterReason.FUTURE]
        assert decoded.reached_ms == NOW_MS
    assert decode(Stream.TRANSACTION, [ahead], LIMITS, ALL).dead_letters == []


def test_times_and_amounts_in_both_forms() -> None:
    """RFC 3339 and epoch milliseconds agree; so do numbers and decimal text."""
    values = [
        encoded(event_time="2026-01-05T08:00:00.250+08:00", amount="12.50", currency="USD"),
        encoded(event_time=NOW_MS + 250),
    ]
    decoded = decode(Stream.TRANSACTION, [chunk(*values)], LIMITS, ALL)
    assert decoded.columns["event_time"].tolist() == [NOW_MS + 250] * 2
    assert decoded.columns["amount"].tolist() == [87.5, 12.5]


def test_columns_have_the_dtype_of_their_kind() -> None:
    """Every field column comes out in the dtype that its kind promises, missing marked."""
    values = [encoded(country="CN", lat=1.5), encoded()]
    decoded = decode(Stream.TRANSACTION, [chunk(*values)], LIMITS, ALL)
    fields = FIELDS[Stream.TRANSACTION]
    columns = decoded.columns
    dtypes = {
        Kind.NUMBER: np.float64,
        Kind.STRING: np.uint64,
        Kind.TRUTH: np.int8,
        Kind.CODE: np.int16,
        Kind.TIME: np.int64,
    }
    assert {name: array.dtype for name, array in columns.items()} == {
        name: np.dtype(dtypes[column.kind]) for name, column in fields.items()
    }
    assert columns["country"].tolist() == [PLAIN.text("CN"), 0]
    assert np.isnan(columns["lat"]).tolist() == [False, True]
    assert columns["direction"].tolist() == [0, 0]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.binary(max_size=60),
            st.just(encoded()),
            st.text(max_size=40).map(str.encode),
        ),
        max_size=30,
    )
)
def test_nothing_is_lost_or_doubled(values: list[bytes | None]) -> None:
    """Random bytes between good events: each record is exactly one event or dead letter."""
    decoded = decode(Stream.TRANSACTION, [chunk(*values)], LIMITS, ALL)
    good = sum(value == encoded() for value in values)
    assert len(decoded.events) == good == len(decoded)
    assert all(len(column) == good for column in decoded.columns.values())
    bad = [(10 + 2 * index, value) for index, value in enumerate(values) if value != encoded()]
    assert [(letter.offset, letter.value) for letter in decoded.dead_letters] == bad


def _with_default() -> dict[tuple[Stream, str], object]:
    fields = {stream: msgspec.structs.fields(kind) for stream, kind in EVENT_TYPES.items()}
    return {
        (stream, each.name): each.default
        for stream, declared in fields.items()
        for each in declared
        if not each.required and each.default is not None
    }


def test_the_fields_with_a_default_are_known() -> None:
    """Two fields have a default that is not null; of the two only the currency is free text."""
    assert _with_default() == {
        (Stream.TRANSACTION, "currency"): "CNY",
        (Stream.TRANSACTION, "status"): "approved",
    }
    assert FIELDS[Stream.TRANSACTION]["status"].kind is Kind.CODE


@pytest.mark.parametrize("escape", [False, True], ids=["scanned", "decoded"])
def test_the_text_of_an_absent_field_is_its_default(escape: bool) -> None:
    """Value, hash and text agree for scanned records and for those with an escape alike."""
    absent = encoded()
    present = encoded(currency="USD")
    dead = b"no JSON"
    values = [absent, present, dead, absent, present]
    if escape:  # the scanner leaves escapes to the decoder
        values = [value.replace(b'"t1"', b'"t\\u0031"') for value in values]
    raw_fields = frozenset({"currency", "merchant_id"})
    decoded = decode(Stream.TRANSACTION, [chunk(*values)], LIMITS, ALL, raw_fields)
    assert decoded.texts is not None
    data, spans = decoded.texts.data, decoded.texts.spans_of("currency")
    texts = [data[start : start + size].tobytes().decode() for start, size in spans]
    assert texts == ["CNY", "USD", "CNY", "USD"]
    assert [event.currency for event in decoded.events] == texts  # type: ignore[union-attr]
    assert decoded.columns["currency"].tolist() == [PLAIN.text(text) for text in texts]


def test_defaults_stand_between_scanned_and_decoded_texts() -> None:
    """A step with both kinds of records spells every currency, wherever its bytes are kept."""
    plain, escaped = encoded(), encoded().replace(b'"t1"', b'"t\\u0031"')
    both = [plain, escaped, encoded(currency="USD"), escaped, plain]
    raw_fields = frozenset({"currency"})
    decoded = decode(Stream.TRANSACTION, [chunk(*both)], LIMITS, ALL, raw_fields)
    assert decoded.texts is not None
    data, spans = decoded.texts.data, decoded.texts.spans_of("currency")
    texts = [data[start : start + size].tobytes() for start, size in spans]
    assert texts == [b"CNY", b"CNY", b"USD", b"CNY", b"CNY"]


STRICT = msgspec.structs.replace(LIMITS, placeholders=("N/A", "-"))


def test_an_address_counts_as_whose_it_is_in_hash_and_text() -> None:
    """Ports, spellings and hosts of one network are one; what is no address names nobody."""
    told = ["203.0.113.9:50000", "203.0.113.9", "::ffff:203.0.113.9", "2001:DB8::1", "2001:db8::2"]
    values = [encoded(ip=ip) for ip in [*told, "unknown", "10.0.0.999", None]]
    raw_fields = frozenset({"ip"})
    decoded = decode(Stream.TRANSACTION, [chunk(*values)], STRICT, ALL, raw_fields)
    right = [*["203.0.113.9"] * 3, *["2001:db8::/64"] * 2, "", "", ""]
    assert decoded.columns["ip"].tolist() == PLAIN.texts(right).tolist()
    assert decoded.texts is not None
    data = decoded.texts.data.tobytes()
    assert [data[at : at + size].decode() for at, size in decoded.texts.spans_of("ip")] == right
    assert decoded.missing == {"ip": 2}
    assert [event.ip for event in decoded.events[:2]] == told[:2]  # type: ignore[union-attr]


def test_an_address_that_is_none_puts_the_event_aside_if_that_is_configured() -> None:
    """But not a placeholder: that says plainly that there is none."""
    limits = msgspec.structs.replace(STRICT, other_addresses=OtherValues.DEAD_LETTER)
    values = [encoded(ip=ip) for ip in ["10.0.0.1", "host-7", "N/A"]]
    decoded = decode(Stream.TRANSACTION, [chunk(*values)], limits, ALL)
    assert [letter.offset for letter in decoded.dead_letters] == [12]
    assert decoded.dead_letters[0].detail == "ip is no address"
    assert (len(decoded), decoded.missing) == (2, {"ip": 1})


@pytest.mark.parametrize("escape", [False, True])
def test_a_country_is_its_alpha_2_code_in_hash_and_text(escape: bool) -> None:
    """Codes and names of one country are one, by either reader; what is no country is missing."""
    told = ["CN", "cn", "CHN", "156", "china", "pr China", "Viet Nam", "vIETNAM", "Hong Kong"]
    values = [encoded(counterparty_country=text) for text in [*told, "ZZ", "中", "中", "NA", None]]
    if escape:
        values = [value.replace(b"customer_id", rb"\u0063ustomer_id") for value in values]
    raw_fields = frozenset({"counterparty_country"})
    decoded = decode(Stream.TRANSACTION, [chunk(*values)], STRICT, ALL, raw_fields)
    right = [*["CN"] * 6, *["VN"] * 2, "HK", "", "", "", "NA", ""]
    assert decoded.columns["counterparty_country"].tolist() == PLAIN.texts(right).tolist()
    assert decoded.texts is not None
    data, spans = decoded.texts.data.tobytes(), decoded.texts.spans_of("counterparty_country")
    assert [data[at : at + size].decode() for at, size in spans] == right
    assert decoded.missing == {"counterparty_country": 3}


def test_a_text_that_is_no_country_is_a_dead_letter_if_that_is_configured() -> None:
    """But not a placeholder, which is missing; and not Namibia, though NA may be a placeholder."""
    limits = msgspec.structs.replace(
        STRICT, other_countries=OtherValues.DEAD_LETTER, placeholders=("N/A", "NA")
    )
    values = [encoded(country=text) for text in ["CN", "ZZ", "N/A", "NA"]]
    decoded = decode(Stream.TRANSACTION, [chunk(*values)], limits, ALL)
    assert [letter.offset for letter in decoded.dead_letters] == [12]
    assert decoded.dead_letters[0].detail == "country is no code or name of ISO 3166-1"
    assert decoded.columns["country"].tolist() == PLAIN.texts(["CN", "", "NA"]).tolist()
    assert decoded.missing == {"country": 1}


def test_a_placeholder_names_nothing() -> None:
    """What an event may lack is missing, in its text too; without a customer it is no event."""
    values = [encoded(merchant_id=name, event_id="-") for name in ["M1", "N/A", "-"]]
    values.append(encoded(customer_id="N/A"))
    raw_fields = frozenset({"merchant_id"})
    decoded = decode(Stream.TRANSACTION, [chunk(*values)], STRICT, ALL, raw_fields)
    assert decoded.columns["merchant_id"].tolist() == PLAIN.texts(["M1", "", ""]).tolist()
    assert decoded.texts is not None
    assert decoded.texts.spans_of("merchant_id")[:, 1].tolist() == [2, 0, 0]
    assert decoded.missing == {"merchant_id": 2}
    assert [letter.detail for letter in decoded.dead_letters] == ["customer_id is a placeholder"]
