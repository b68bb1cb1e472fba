"""Conditions: what they mean on columns, what they refuse, and why they held."""

import numpy as np
import pytest

from sentinel.ingest import Decoded, Watermarks, merge
from sentinel.ingest.extract import extract
from sentinel.model.columns import FIELDS, Rows
from sentinel.model.countries import country_of
from sentinel.model.document import ConfigError, parse
from sentinel.model.events import Stream, Transaction
from sentinel.model.ids import PLAIN
from sentinel.model.network import network_of
from sentinel.model.signal import Clause
from sentinel.rules import Expression, compile_expression
from sentinel.rules.program import Program

COLUMNS = FIELDS[Stream.TRANSACTION]
FALSE, UNKNOWN, TRUE = 0, 1, 2


def rows(**fields: object) -> Rows:
    """One debit of 100 from China, with some fields changed."""
    given = {
        "event_id": "e",
        "event_time": 1,
        "customer_id": "c",
        "kind": "transfer",
        "direction": "debit",
        "amount": 100.0,
        "country": "CN",
        **fields,
    }
    event = Transaction(**given)  # type: ignore[arg-type]
    columns = extract(Stream.TRANSACTION, [event], COLUMNS, PLAIN)
    decoded = Decoded(Stream.TRANSACTION, [event], columns, np.array([1]))
    return merge({Stream.TRANSACTION: decoded}, Watermarks(), 0).rows[Stream.TRANSACTION]


def truths(condition: Expression, table: Rows) -> list[int]:
    """The condition's truth of each row."""
    found: list[int] = Program([condition.root]).truths(table)[0].tolist()
    return found


@pytest.mark.parametrize(("amount", "truth"), [(70_999, FALSE), (71_000, TRUE)])
def test_a_line_in_another_currency_is_its_rate_in_the_base_currency(
    amount: float, truth: int
) -> None:
    """``rates.USD`` is what engine.yaml says one dollar is."""
    condition = compile_expression("amount >= 10000 * rates.USD", COLUMNS, rates={"USD": 7.1})
    assert truths(condition, rows(amount=float(amount))) == [truth]


def test_a_rate_that_there_is_none_of_is_named() -> None:
    """With a hint at the currency that was meant."""
    with pytest.raises(ConfigError, match=r"1:11: no rate of .UDS."):
        compile_expression("amount >= rates.UDS", COLUMNS, rates={"USD": 7.1})


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ('direction == "debit" && amount > 99.5', TRUE),
        ('"debit" == direction', TRUE),
        ("100 <= amount", TRUE),
        ("amount in [1, 100]", TRUE),
        ('country in ["US", "CN"]', TRUE),
        ('kind != "card"', TRUE),
        ('!(kind == "card")', TRUE),
        ("amount / 2 + 1 == 51", TRUE),
        ("7 / 2 == 3", TRUE),
        ("-7 / 2 == -3", TRUE),
        ("-7 % 3 == -1", TRUE),
        ("amount % 30 == 10", TRUE),
        ("amount > 50 ? country == 'CN' : false", TRUE),
        ('country.startsWith("C") && country.contains("N")', TRUE),
        ("lat > 3", UNKNOWN),
        ("lat != 3", UNKNOWN),
        ("!(lat > 3)", UNKNOWN),
        ("lat > 3 && false", FALSE),
        ("lat > 3 || true", TRUE),
        ("lat > 3 || amount > 1000", UNKNOWN),
        ("lat > 3 ? true : true", UNKNOWN),
        ("has(lat)", FALSE),
        ("has(country)", TRUE),
        ('ip == "10.0.0.1"', UNKNOWN),
        ('ip in ["10.0.0.1"]', UNKNOWN),
        ("ip == device_id", UNKNOWN),
        ("ip.endsWith('1')", UNKNOWN),
        ("0.0 / 0.0 > 1", UNKNOWN),
    ],
)
def test_truth(text: str, truth: int) -> None:
    """Three-valued results over one row with missing coordinates, device and address."""
    assert truths(compile_expression(text, COLUMNS), rows()) == [truth]


@pytest.mark.parametrize(
    ("ip", "text", "truth"),
    [
        ("203.0.113.9:50000", 'ip.endsWith("113.9")', TRUE),
        ("::ffff:203.0.113.9", 'ip.startsWith("203.")', TRUE),
        ("[2001:0DB8:0::1]:443", 'ip.startsWith("2001:db8::")', TRUE),
        ("0.0.0.0", 'ip.startsWith("0")', UNKNOWN),  # noqa: S104 - what sources write for none
    ],
)
def test_an_address_is_tested_in_one_spelling(ip: str, text: str, truth: int) -> None:
    """Whatever the source writes, and unknown where ingest found that it names nobody."""
    table = rows(ip=ip)
    table.columns["ip"] = PLAIN.texts([network_of(ip)])
    assert truths(compile_expression(text, COLUMNS), table) == [truth]


@pytest.mark.parametrize(
    ("country", "text", "truth"),
    [("Viet Nam", 'country.startsWith("VN")', TRUE), ("ZZ", 'country.contains("Z")', UNKNOWN)],
)
def test_a_country_is_tested_by_its_code(country: str, text: str, truth: int) -> None:
    """Whatever the source writes, and unknown where ingest found that it is no country."""
    table = rows(country=country)
    table.columns["country"] = PLAIN.texts([country_of(country)])
    assert truths(compile_expression(text, COLUMNS), table) == [truth]


def test_a_placeholder_has_no_text() -> None:
    """Where ingest made an id missing, no test of its text is true or false."""
    table = rows(merchant_id="N/A")
    table.columns["merchant_id"] = np.zeros(1, np.uint64)
    condition = compile_expression('merchant_id.contains("/")', COLUMNS)
    assert truths(condition, table) == [UNKNOWN]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("amuont > 3", '1:1: unknown name "amuont" (did you mean "amount"?)'),
        ('direction == "debt"', '1:14: direction is never "debt" (did you mean "debit"?)'),
        (
            "amount",
            "1:1: a condition is true or false; this is a number (compare it, as in amount > 0)",
        ),
        ("amount > country", "1:1: cannot compare a number with a string"),
        (
            "country < 'CN'",
            '1:9: "<" compares numbers; these are string and string (only "==" and "!=" here)',
        ),
        ('country == "CHN"', '1:12: "CHN" is no alpha-2 code of a country ("CN")'),
        (
            'counterparty_country in ["CN", "ZZ"]',
            '1:32: "ZZ" is no alpha-2 code of a country (CN, as in ISO 3166-1)',
        ),
        ("amount = 3", "1:8: unexpected '=' (use \"==\" to compare)"),
        (
            "amount > 3 &&",
            '1:14: the condition ends too soon (expected "(" or a name or a number or a text)',
        ),
        ("amount && true", "1:1: amount is a number, not a truth (compare it, as in amount > 0)"),
        ("1 / 0 > 1", "1:1: division by zero"),
        ("9223372036854775808 > 1", "1:1: a whole number has at most 64 bits"),
        (
            "country.startWith('C')",
            '1:9: unknown function "startWith" (did you mean "startsWith"?)',
        ),
        ("!" * 60 + "true", "1:42: nested more than 40 deep"),
        ("amount > 1 " + "|| amount > 1 " * 400, "1:4001: a condition has at most 4000 characters"),
    ],
)
def test_refused(text: str, complaint: str) -> None:
    """Each mistake is told at its column, with a hint where one helps."""
    with pytest.raises(ConfigError) as error:
        compile_expression(text, COLUMNS)
    assert str(error.value) == f"condition:{complaint}"


def test_errors_point_into_the_yaml_file() -> None:
    """In a quoted scalar of a file the column is that of the very word."""
    document = parse("when: 'amount > 3 && amuont > 4'\n", "r.yaml")
    with pytest.raises(ConfigError) as error:
        compile_expression(document.data["when"], COLUMNS, document, ("when",))
    assert str(error.value).startswith("r.yaml:1:22: unknown name")


def test_explanation_names_what_held() -> None:
    """Of a disjunction only the terms that held are told, with the values they read."""
    expression = compile_expression(
        'direction == "debit" && (amount > 1000 || country == "CN") && !(lat > 3 && false)', COLUMNS
    )
    hits = Program([expression.root]).hits(rows())
    assert hits.rows.tolist() == [0]
    assert expression.explain(hits, 0) == (
        Clause('direction == "debit"', {"direction": "debit"}),
        Clause('country == "CN"', {"country": "CN"}),
        Clause("!(lat > 3 && false)", {"lat": None}),
    )


def test_an_explanation_shows_the_code_of_a_country() -> None:
    """Whatever the source writes, and nothing where it is no country."""
    expression = compile_expression('country == "CN" || amount > 10 && !has(ip)', COLUMNS)
    table = rows(country="People's Republic of China")
    table.columns["country"] = PLAIN.texts(["CN"])
    hits = Program([expression.root]).hits(table)
    assert expression.explain(hits, 0)[0] == Clause('country == "CN"', {"country": "CN"})
    missing = compile_expression("!has(country)", COLUMNS)
    table = rows(country="ZZ")
    table.columns["country"] = np.zeros(1, np.uint64)
    hits = Program([missing.root]).hits(table)
    assert missing.explain(hits, 0) == (Clause("!has(country)", {"country": None}),)


def test_a_part_shared_by_rules_is_evaluated_once() -> None:
    """Equal parts of different conditions are one instruction of the program."""
    texts = ("amount > 10 && has(country)", "amount>10 && has(lat)")
    roots = [compile_expression(text, COLUMNS).root for text in texts]
    assert sum(len(Program([root])) for root in roots) == 6
    assert len(Program(roots)) == 5
    assert Program(roots).truths(rows()).shape == (2, 1)
