"""Lists: what they hold at a moment, what is said of it, and files that are refused."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sentinel.engine import Configuration, Engine
from sentinel.model.columns import FIELDS, TRUE, Array, Kind
from sentinel.model.document import ConfigError, parse
from sentinel.model.events import Stream
from sentinel.model.ids import PLAIN
from sentinel.replay.ruletests import START, read_tests, run_alone
from sentinel.rules import EntryList, compile_expression, declare_lists, outdated
from sentinel.rules import lists as module
from sentinel.rules.nodes import Listed, Name
from sentinel.rules.program import Program
from sentinel.settings import read_configuration

BAD = Path(__file__).parent / "bad_lists"
SHANGHAI = ZoneInfo("Asia/Shanghai")
HEAD = "title: {en: A, zh: 甲}\npurpose: deny\nowner: tests\nsource: made up\n"


def declared(entries: str, name: str = "some") -> EntryList:
    """One list with these entries."""
    document = parse(f"{HEAD}entries:\n{entries}", f"lists/{name}.yaml")
    return declare_lists([document], SHANGHAI)[name]


@dataclass(frozen=True)
class _Table:
    """Texts and moments, as events have them."""

    columns: dict[str, Array]
    events: list[object]

    def __len__(self) -> int:
        return len(self.events)


def _holds(
    entries: EntryList, texts: NDArray[np.uint64], moments: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether each text is on the list at its moment, as a condition finds it."""
    column = FIELDS[Stream.TRANSACTION]["merchant_id"]
    name = Name("merchant_id", "merchant_id", column.kind, sure=True, column=column)
    listed = Listed("listed", "listed", Kind.TRUTH, sure=True, subject=name, entries=entries)
    columns: dict[str, Array] = {"merchant_id": texts, "event_time": np.asarray(moments)}
    truths = Program([listed]).truths(_Table(columns, [None] * len(texts)))
    found: NDArray[np.bool_] = np.equal(truths[0], TRUE)
    return found


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_list_is_refused_with_its_message(path: Path) -> None:
    """Each file in ``bad_lists/`` opens with the exact message that it must cause."""
    text = path.read_text(encoding="utf-8")
    expected = text.splitlines()[0].removeprefix("# ")
    with pytest.raises(ConfigError) as caught:
        declare_lists([parse(text, f"lists/{path.name}")], SHANGHAI)
    assert str(caught.value) == expected


def test_there_are_bad_lists() -> None:
    """The test above would pass on an empty folder."""
    assert len(list(BAD.glob("*.yaml"))) >= 9


def test_all_lists_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first entry beyond it is named; so is the first list too many."""
    documents = [parse(f"{HEAD}entries: [A, B]\n", f"lists/{name}.yaml") for name in "ab"]
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    with pytest.raises(ConfigError, match=r"lists/b.yaml:5:14: more than 3 entries in all lists"):
        declare_lists(documents, SHANGHAI)
    monkeypatch.setattr(module, "MAX_LISTS", 1)
    with pytest.raises(ConfigError, match=r"lists/b.yaml:1:1: more than 1 lists"):
        declare_lists(documents, SHANGHAI)


def test_an_entry_ends_with_its_last_local_day() -> None:
    """It holds through the day's last millisecond in Shanghai, and no longer."""
    entries = declared("  - {value: KP, until: 2026-03-31}\n")
    midnight_ms = int(datetime.combine(date(2026, 4, 1), time(), SHANGHAI).timestamp() * 1000)
    moments = np.array([0, midnight_ms - 1, midnight_ms])
    hashes = PLAIN.texts(["KP"] * 3)
    assert _holds(entries, hashes, moments).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("today", "is_outdated"), [(date(2026, 2, 21), False), (date(2026, 2, 22), True)]
)
def test_a_list_is_outdated_after_its_period(today: date, is_outdated: bool) -> None:
    """Of the shipped lists those of the FATF, 120 days after their plenary; others never."""
    configuration = read_configuration(None)
    warning = "dated 2025-10-24, older than its period of 120d: compare it with its source"
    names = ["high_risk_countries", "monitored_countries"] if is_outdated else []
    expected = [f"lists/{name}.yaml: {warning}" for name in names]
    assert outdated(configuration.lists, today) == expected


def test_what_is_said_of_an_entry() -> None:
    """What the list is for, and the entry's note if there is one."""
    entries = declared("  - {value: KP, note: countermeasures}\n  - IR\n")
    shown = [entries.describe(int(each)) for each in PLAIN.texts(["KP", "IR", "CN"])]
    assert shown == ["deny: countermeasures", "deny", None]


def test_an_address_lists_its_network() -> None:
    """Addresses are asked as their networks, other texts as they stand; the longest entry holds."""
    entries = declared(
        '  - {value: "2001:db8::1", until: 2026-03-31, note: short}\n'
        '  - {value: "2001:db8::2", note: long}\n'
        '  - "00:11:22:33:44:55:66:77"\n'
    )
    asked = ["2001:db8::/64", "2001:db8::1", "2001:db8::3", "00:11:22:33:44:55:66:77"]
    late = np.full(len(asked), int(datetime(2026, 5, 1, tzinfo=SHANGHAI).timestamp() * 1000))
    assert _holds(entries, PLAIN.texts(asked), late).tolist() == [True, False, False, True]
    assert entries.describe(PLAIN.text("2001:db8::/64")) == "deny: long"


names = st.sampled_from(["a", "b", "c", "d", "北京", ""])
days = st.one_of(st.none(), st.dates(date(2026, 1, 1), date(2026, 1, 9)))


@given(
    st.dictionaries(names.filter(bool), days),
    st.lists(st.tuples(names, st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 12)))),  # noqa: DTZ001 - made local below
)
def test_as_a_naive_reading_has_it(
    entries: dict[str, date | None], asked: list[tuple[str, datetime]]
) -> None:
    """A text is held if it is an entry whose last day, by the local calendar, is not over."""
    lines = [
        f"  - {value}\n" if day is None else f"  - {{value: {value}, until: {day}}}\n"
        for value, day in entries.items()
    ]
    some = declared("".join(lines) or "  []\n")
    moments = [moment.replace(tzinfo=SHANGHAI) for _, moment in asked]
    expected = [
        text in entries and (day is None or moment.date() <= day)
        for (text, _), moment in zip(asked, moments, strict=True)
        for day in [entries.get(text)]
    ]
    times_ms = np.array([int(moment.timestamp() * 1000) for moment in moments], np.int64)
    assert _holds(some, PLAIN.texts([text for text, _ in asked]), times_ms).tolist() == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("country in lists.sme", '1:18: unknown list "sme" (did you mean "some"?)'),
        ("country in list.some", '1:12: "in" looks into a list (lists.some or ["A", "B"])'),
        ("kind in lists.some", "1:1: kind is a code; a list holds strings"),
        ("amount in lists.some", "1:1: amount is a number; a list holds strings"),
        ("1 in lists.some", '1:1: "in" asks for a name on its left'),
        (
            "country in lists.alpha_3",
            '1:18: lists.alpha_3 holds "PRK", which is no alpha-2 code of a country ("KP")',
        ),
        (
            "country in lists.towns",
            (
                '1:18: lists.towns holds "Town", which is no alpha-2 code of a country '
                "(CN, as in ISO 3166-1)"
            ),
        ),
        ("country in lists", "1:17: the condition ends too soon"),
    ],
)
def test_a_wrong_question_is_refused_at_its_place(text: str, complaint: str) -> None:
    """Lists are asked for a name of strings, by their own name."""
    entries = {"some": "  - KP\n", "alpha_3": "  - IR\n  - PRK\n", "towns": "  - Town\n"}
    lists = {name: declared(lines, name) for name, lines in entries.items()}
    with pytest.raises(ConfigError) as caught:
        compile_expression(text, FIELDS[Stream.TRANSACTION], lists=lists)
    assert str(caught.value).removeprefix("condition:").startswith(complaint)


_RULES = """
rules:
  - id: a.listed
    title: {en: Listed, zh: 名单}
    risk: legal
    severity: 50
    owner: tests
    on: transaction
    when: 'customer_id in lists.known && country in lists.some'
    tests:
      - name: quiet elsewhere
        events: [{on: transaction, at: 1m, amount: 5, country: CN}]
        expect: none
      - name: quiet where nothing is known
        events: [{on: transaction, at: 1m, amount: 5}]
        expect: none
      - name: on the last day
        events: [{on: transaction, at: 1m, amount: 5, country: KP, customer_id: CUSTOMER-7}]
        expect: fires
      - name: quiet the day after
        events: [{on: transaction, at: 1d, amount: 5, country: KP, customer_id: CUSTOMER-7}]
        expect: none
"""


def _configuration(until: date) -> Configuration:
    some = f"entries:\n  - {{value: KP, until: {until}, note: embargo}}\n"
    shipped = {
        name: text
        for name, text in read_configuration(None).files.items()
        if not name.startswith(("lists/", "rules/"))
    }
    return Configuration.parse(
        {
            **shipped,
            "rules/some.yaml": _RULES,
            "lists/some.yaml": HEAD + some,
            "lists/known.yaml": HEAD + "entries: [CUSTOMER-7]\n",
        }
    )


def test_rules_ask_lists_by_the_time_of_the_event() -> None:
    """The engine fires on the last day and not after it; the reason masks the customer's id."""
    configuration = _configuration(START.date())
    results = [run_alone(test, configuration) for test in read_tests(configuration.rule_documents)]
    assert [each.test.name for each in results if not each.passed] == []
    clauses = [
        clause
        for each in results
        for alert in each.alerts[:1]
        for clause in alert.reasons[0].clauses
    ]
    assert [clause.values for clause in clauses] == [
        {"customer_id": "…ER-7", "lists.known": "deny"},
        {"country": "KP", "lists.some": "deny: embargo"},
    ]


def test_a_list_is_part_of_the_version() -> None:
    """Another last day is another configuration, and in force for the steps after the change."""
    first = START.date()
    before, after = _configuration(first - timedelta(days=1)), _configuration(first)
    assert before.version != after.version
    assert Configuration.parse(after.files).version == after.version  # what is published
    step = next(test.step for test in read_tests(after.rule_documents) if test.expected is True)
    engine = Engine(before)
    assert engine.process(step).counts.signals == Counter()
    engine.reconfigure(after)
    assert Engine(after).process(step).counts.signals == {("a.listed", "live"): 1}
