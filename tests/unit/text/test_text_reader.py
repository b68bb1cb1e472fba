"""Text as columns: cuts, restarts, changes of configuration, and only what is read."""

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.text.shipped import DECLARATION, TEXT

from sentinel.model.columns import Array, Kind, Rows
from sentinel.model.document import parse
from sentinel.model.events import Complaint, ComplaintStatus, Stream
from sentinel.model.step import Limit
from sentinel.text import Declaration, TextReader, declare

ALL = DECLARATION.columns.keys()
TEXTS = (
    "信用卡被盗刷，再不处理我就起诉",
    "The monthly fee of my account is too high and the clerk was rude to me in front of everybody",
    "My card was declined abroad and nobody answers the hotline, I will write to the ombudsman",
    "手机银行转账页面一直报错，无法使用",
    None,
    "",
)
PRODUCTS = ("credit_card", "current_account", "mobile_banking", "unheard_of", None)
DAY_MS = 86_400_000


def _events(n: int, seed: int = 1) -> list[Complaint]:
    """Complaints half an hour apart, a few of each text, most of them received."""
    random = np.random.default_rng(seed)
    statuses: tuple[ComplaintStatus, ...] = ("received", "received", "investigating")
    return [
        Complaint(
            event_id=f"e{i}",
            event_time=DAY_MS + i * 1_800_000 - int(random.integers(0, 3_600_000)),
            complaint_id=f"k{i}",
            customer_id=f"C{random.integers(40)}",
            status=statuses[random.integers(3)],
            channel="app",
            product=PRODUCTS[random.integers(len(PRODUCTS))],
            text=TEXTS[random.integers(len(TEXTS))],
        )
        for i in range(n)
    ]


def _declared(old: str = "warm_up: 200", new: str = "warm_up: 20") -> Declaration:
    """The shipped text.yaml, topics warm after twenty complaints, or changed otherwise."""
    assert old in TEXT
    text = TEXT.replace("warm_up: 200", "warm_up: 20").replace(
        old if old != "warm_up: 200" else new, new
    )
    return declare(parse(text, "text.yaml"))


def _read(
    reader: TextReader, events: Sequence[Complaint], cuts: Sequence[int] = ()
) -> dict[str, Array]:
    """The columns that the reader adds, the events taken in as many steps as ``cuts`` makes."""
    found: dict[str, list[Array]] = {}
    for start, end in pairwise([0, *sorted(cuts), len(events)]):
        part = events[start:end]
        indices = np.arange(len(part))
        rows = Rows(Stream.COMPLAINT, part, indices, indices)
        reader.read(rows, np.array([each.event_time for each in part], np.int64))
        for name, column in rows.columns.items():
            found.setdefault(name, []).append(column)
    return {name: np.concatenate(columns) for name, columns in found.items()}


def _bytes(columns: dict[str, Array]) -> dict[str, bytes]:
    return {name: column.tobytes() for name, column in columns.items()}


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 150), max_size=8))
def test_cuts_change_no_byte(cuts: list[int]) -> None:
    """However complaints are cut into steps, empty ones too, the bytes are the same."""
    events, whole, cut = _events(150), TextReader(_declared(), ALL), TextReader(_declared(), ALL)
    assert _bytes(_read(cut, events, cuts)) == _bytes(_read(whole, events))
    assert cut.snapshot() == whole.snapshot()


def test_a_restored_reader_goes_on_as_if_never_stopped() -> None:
    """Columns and the next snapshot are byte for byte those of one run."""
    events = _events(200)
    steady, other = TextReader(_declared(), ALL), TextReader(_declared(), ALL)
    _read(steady, events[:120])
    _read(other, _events(50, seed=7))  # what it knew must not matter
    other.restore(steady.snapshot())
    assert other.snapshot() == steady.snapshot()
    assert _bytes(_read(other, events[120:])) == _bytes(_read(steady, events[120:]))
    assert other.snapshot() == steady.snapshot()


def test_columns_have_the_kinds_that_are_declared() -> None:
    """Dtypes are those of the kinds, and every sort of value turns up."""
    columns = _read(TextReader(_declared(), ALL), _events(400))
    kinds = {Kind.CODE: np.int16, Kind.NUMBER: np.float64, Kind.TRUTH: np.int8}
    assert columns.keys() == ALL
    for name, column in columns.items():
        assert column.dtype == kinds[DECLARATION.columns[name].kind]
    assert set(columns["complaint_says_fraud"].tolist()) <= {0, 1, 2}
    assert np.nanmax(columns["complaint_near_duplicates"].astype(np.float64)) > 3
    assert columns["complaint_product_predicted"].max() >= 0


def test_without_a_text_everything_is_missing() -> None:
    """Unknown, not false."""
    event = Complaint(
        event_id="e",
        event_time=1,
        complaint_id="k",
        customer_id="C",
        status="received",
        channel="app",
    )
    columns = _read(TextReader(_declared(), ALL), [event])
    assert columns["complaint_says_fraud"].tolist() == [1]
    assert columns["complaint_intent"].tolist() == [-1]
    assert np.isnan(columns["complaint_severity"].astype(np.float64)).all()


def test_later_steps_of_a_complaint_are_not_learnt() -> None:
    """What a text says is told of each event; copies and topics count the one that opens it."""
    events = [each for each in _events(60) if each.status != "received"]
    reader = TextReader(_declared(), ALL)
    before = reader.snapshot()
    columns = _read(reader, events)
    assert reader.snapshot() == before
    assert np.isnan(columns["complaint_near_duplicates"].astype(np.float64)).all()
    assert (columns["complaint_says_lawsuit_threat"] == 2).any()


@pytest.mark.parametrize(
    "demand", [(), ("complaint_severity",), ("complaint_near_duplicates", "complaint_intent")]
)
def test_only_what_is_read_is_there(demand: Collection[str]) -> None:
    """Columns that nobody reads are neither made nor learnt, and change no other column."""
    events = _events(80)
    columns = _read(TextReader(_declared(), demand), events)
    whole = _read(TextReader(_declared(), ALL), events)
    assert _bytes(columns) == {name: whole[name].tobytes() for name in demand}


def test_what_is_declared_the_same_is_carried() -> None:
    """A change of topics leaves the products and the copies as they are, and starts topics anew."""
    old = TextReader(_declared(), ALL)
    _read(old, _events(120))
    same, other = (
        TextReader(_declared(), ALL),
        TextReader(_declared("half_life: 6h", "half_life: 5h"), ALL),
    )
    for each in (same, other):
        each.carry(old)
    assert same.snapshot() == old.snapshot()
    assert other.snapshot() != old.snapshot()
    events = _events(30, seed=4)
    before, after = _read(same, events), _read(other, events)
    for name in ("complaint_product_confidence", "complaint_near_duplicates"):
        assert before[name].tobytes() == after[name].tobytes()
    assert np.isnan(after["complaint_topic_rise"][:10].astype(np.float64)).all()


def test_what_is_forgotten_is_counted() -> None:
    """With room for one group there is always one to forget."""
    reader = TextReader(_declared("max_groups: 20000", "max_groups: 1"), ALL)
    _read(reader, _events(60))
    assert reader.limits[Limit.NEAR_DUPLICATE_GROUPS] > 0
