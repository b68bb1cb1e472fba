"""The scanner: what it reads it reads as msgspec does, whatever the bytes."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentinel.ingest import Limits, decode
from sentinel.ingest.extract import extract
from sentinel.ingest.scan import scan
from sentinel.ingest.shape import plan
from sentinel.model.canonical import CANONICAL
from sentinel.model.columns import FIELDS, Array, Kind
from sentinel.model.countries import COUNTRY_FIELDS
from sentinel.model.events import EVENT_TYPES, LAST_MOMENT_MS, Event, Stream
from sentinel.model.ids import PLAIN
from sentinel.model.step import Chunk

DECODERS = {stream: msgspec.json.Decoder(kind) for stream, kind in EVENT_TYPES.items()}
LIMITS = Limits(
    lateness_ms=3_600_000,
    future_skew_ms=300_000,
    max_value_bytes=100_000,
    remembered_events=1_000,
    base_currency="CNY",
    rates={"CNY": 1.0},
)
TIMES = [
    0,
    1,
    1_767_571_200_000,
    LAST_MOMENT_MS,
    LAST_MOMENT_MS + 1,
    -1,
    "2026-01-05T00:00:00Z",
    "2026-02-28T23:59:59.999999+08:00",
    "2028-02-29T12:00:00.5-11:30",
    "2026-02-29T00:00:00Z",
    "2026-02-31T00:00:00Z",
    "2026-12-31T24:00:00Z",
    "2026-01-05T00:00:60Z",
    "2026-01-05T00:00:00.1234567Z",
    "2026-01-05T00:00:00+24:00",
    "2026-01-05T00:00:00",
    "2026-01-05t00:00:00z",
    "2026-01-05 00:00:00Z",
    "1970-01-01T00:00:00+01:00",
    "2099-12-31T23:59:59Z",
    "2100-01-01T00:00:00Z",
    "2026-1-05T00:00:00Z",
    "",
]
NUMBERS: list[Any] = [
    0, -0.0, 1, -1, 0.1, 12.5, 99.99, 90, 90.00001, -180, 1e15, 1e15 + 2, 123456789012345,
    1234567890123456, 0.30000000000000004, 121.47370000000001, 1e-7, 5e-324, 1e22, 2**63, 10**400,
    True, False, None, "12.50", "0", "00.1", "1.", ".5", "-1", "1e5", "123456789012345.123456",
    "1234567890123456", " 1", "",
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(["CN", "CNY", "USD", "", "x" * 64, "x" * 65, "x" * 128, "x" * 129, "手机银行"]),
    st.text(max_size=6),
    st.text("é中😀\u07ff\u0800\uffff\x7f", max_size=66),
)
ADDRESSES = ["203.0.113.9", "203.0.113.9:443", "2001:DB8::7", "::ffff:10.0.0.1"]
COUNTRIES = ["CN", "cn", "CHN", "156", "China", "viet NAM", "Côte d'Ivoire", "XK", "ZZ", "手机行"]
RAW = st.sampled_from(
    [
        b"", b" ", b"\t\r\n", b",", b"{", b"}", b'"', b":", b"null", b"true", b"false", b"truE",
        b"0", b"-", b"-0", b"01", b"1.", b".5", b"1e3", b"1E+3", b"\\u0041", b"\\n", b"\x00",
        b"\x1f", b"\x7f", b"\x80", b"\xc0\x80", b"\xc2\xa0", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
        b"\xe4\xb8\xad", b"\xff", b'"x":1,', b'"x":[1,{"y":2}],', b'"x":"\\"",', b'"amount":1,',
        b'"kind":"fee",', b"[]", b"{}", b"NaN", b"12345678901234567890", b"\xef\xbb\xbf",
    ]
)  # fmt: skip


def _value(name: str, stream: Stream) -> st.SearchStrategy[object]:
    """Mostly good values, a few at the limits of the field's kind, fewer of any kind."""
    column = FIELDS[stream][name]
    if name == "event_time":
        good, edgy = st.sampled_from([1_767_571_200_000, *TIMES[6:9]]), st.sampled_from(TIMES)
    elif column.vocabulary:
        words = column.vocabulary
        good = st.sampled_from(words)
        edgy = st.sampled_from([words[0].upper(), words[0][:-1], words[-1] + "s"])
    elif column.kind == "truth":
        good, edgy = st.booleans(), st.sampled_from([0, 1, "true"])
    elif column.kind == "number":
        good = st.sampled_from([0, 1, 7, 0.1, 12.5, 89.99, 0.25, 3.0])
        edgy = st.one_of(st.sampled_from(NUMBERS), st.floats(allow_nan=False), st.integers())
    else:
        countries = dict.fromkeys(COUNTRY_FIELDS, COUNTRIES)
        texts = {"ip": ADDRESSES, **countries}.get(name, ["CNY", "USD", "手机行", "é中😀"])
        good, edgy = st.sampled_from(texts), TEXTS
    odd = st.one_of(st.none(), TEXTS, st.sampled_from(NUMBERS))
    fields = st.sampled_from([good] * 100 + [edgy] * 2 + [odd])
    return fields.flatmap(lambda chosen: chosen)


@st.composite
def records(draw: st.DrawFn, stream: Stream) -> bytes:
    """Mostly events: some fields left out, in any order, spaced in any way, then damaged."""
    names = list(FIELDS[stream])
    required = {name for name, column in FIELDS[stream].items() if column.required}
    others = st.sampled_from([name for name in names if name not in required])
    wanted = required | set(draw(st.lists(others, max_size=9)))
    chosen = [name for name in names if name in wanted]
    event = {name: draw(_value(name, stream)) for name in draw(st.permutations(chosen))}
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")]))
    text = json.dumps(event, separators=separators, ensure_ascii=draw(st.booleans()))
    raw = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        start = draw(st.integers(0, len(raw)))
        stop = min(len(raw), start + draw(st.integers(0, 3)))
        raw = raw[:start] + draw(RAW) + raw[stop:]
    return raw


def _scanned(stream: Stream, raw: list[bytes]) -> tuple[dict[str, Array], list[bool]]:
    whole = plan(stream, frozenset(FIELDS[stream]))
    room = whole.columns(len(raw), 0)
    plain = np.zeros(len(raw), np.bool_)
    ends = np.cumsum([len(each) for each in raw], dtype=np.int64)
    follower = np.empty(len(FIELDS[stream]) + 1, np.int64)
    scan(
        np.frombuffer(b"".join(raw), np.uint8),
        ends,
        whole.shape,
        room,
        follower,
        plain,
        PLAIN.words,
    )
    return whole.views(FIELDS[stream]).of(room), plain.tolist()


def _decoded(stream: Stream, raw: bytes) -> Event | None:
    try:
        return DECODERS[stream].decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


@pytest.mark.parametrize("stream", Stream)
def test_what_the_scanner_reads_is_what_the_decoder_reads(stream: Stream) -> None:
    """Of any records, all that are plain have the decoder's values, bit for bit."""
    plains = 0

    @settings(max_examples=400, deadline=None)
    @given(st.lists(records(stream), min_size=1, max_size=6))
    @example([b""])
    def check(raw: list[bytes]) -> None:
        nonlocal plains
        columns, plain = _scanned(stream, raw)
        for row in (row for row, read in enumerate(plain) if read):
            plains += 1
            event = _decoded(stream, raw[row])
            assert event is not None, raw[row]
            for name, expected in extract(stream, [event], FIELDS[stream], PLAIN).items():
                assert columns[name][row].tobytes() == expected.tobytes(), (name, raw[row])

    check()
    assert plains > 200


@pytest.mark.parametrize("stream", Stream)
def test_texts_that_are_spelled_are_the_events_own(stream: Stream) -> None:
    """Read by the scanner or decoded one by one, with dead letters between: byte for byte.

    Addresses and countries are in their canonical forms.
    """
    names = frozenset(name for name, each in FIELDS[stream].items() if each.kind is Kind.STRING)
    read = 0

    @settings(max_examples=150, deadline=None)
    @given(st.lists(records(stream), min_size=1, max_size=6))
    def check(raw: list[bytes]) -> None:
        nonlocal read
        n = len(raw)
        chunk = Chunk(stream, "t", 0, list(range(n)), [-1] * n, [None] * n, [*raw])
        decoded = decode(stream, [chunk], LIMITS, names, names)
        texts = decoded.texts
        assert texts is not None
        for row, event in enumerate(decoded.events):
            for name in names:
                text = getattr(event, name)
                if text and name in CANONICAL:
                    text = CANONICAL[name](text)
                    if not text:
                        assert not decoded.columns[name][row].view(np.uint64)
                if text:
                    start, size = texts.spans_of(name)[row]
                    own = texts.data[start : start + size].tobytes()
                    assert own == text.encode("utf-8", "replace")
                    assert decoded.columns[name][row].view(np.uint64) == PLAIN.text(text)
                    read += 1

    check()
    assert read > 200


def _usual() -> Iterator[tuple[Stream, bytes]]:
    head = b'{"event_id":"e1","event_time":1767571200000,"customer_id":"c1",'
    yield Stream.TRANSACTION, head + b'"kind":"fee","direction":"debit","amount":12.50}'
    yield (
        Stream.TRANSACTION,
        '{ "amount": "12.5", "lat": -31.2304, "channel": "手机", "new": null, "version": 3,\n'
        '"event_time": "2026-01-05T08:00:00.250+08:00", "event_id": "e", "customer_id": "c",'
        '"kind": "card", "direction": "credit", "country": null }\n'.encode(),
    )
    yield Stream.LOGIN, head + b'"kind":"login","success":false,"failure_reason":"bad"}'
    yield (
        Stream.COMPLAINT,
        head + b'"complaint_id":"k","status":"received","channel":"app","text":""}',
    )


@pytest.mark.parametrize(("stream", "raw"), list(_usual()))
def test_what_producers_write_is_plain(stream: Stream, raw: bytes) -> None:
    """Compact or spaced, unknown plain fields, nulls, Chinese text: the scanner reads it."""
    assert _decoded(stream, raw) is not None
    assert _scanned(stream, [raw, raw])[1] == [True, True]


def test_a_record_never_reads_into_its_neighbour() -> None:
    """A record cut anywhere is not plain, though the next one would complete it."""
    _, whole = next(_usual())
    for cut in range(len(whole)):
        _, plain = _scanned(Stream.TRANSACTION, [whole[:cut], whole[cut:], whole])
        assert plain == [False, False, True] if cut else [False, True, True]
