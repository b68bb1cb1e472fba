"""The shipped mappings on rows as their sources publish them."""

from pathlib import Path

import msgspec
import pytest

from sentinel.ingest.records import READERS
from sentinel.replay import mapping
from sentinel.replay.source import open_source

SOURCES = Path(__file__).parent / "sources"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "paysim",
            [
                {"event_time": 1_767_229_200_000, "kind": "card", "direction": "debit"},
                {"event_time": 1_767_315_600_000, "kind": "cash", "direction": "credit"},
            ],
        ),
        (
            "sparkov",
            [
                {
                    "event_id": "0b242abb",
                    "event_time": 1_546_300_818_000,
                    "customer_id": "2703186189652095",
                    "amount": 4.97,
                    "merchant_id": "fraud_Rippin, Kub and Mann",
                    "lat": 36.011293,
                }
            ],
        ),
        (
            "iso8583",
            [
                {"amount": 123.45, "currency": "CNY", "status": "approved", "country": "CN"},
                {"amount": 500, "currency": "JPY", "status": "declined", "mcc": "5411"},
            ],
        ),
        (
            "stripe",
            [
                {
                    "event_time": 1_767_607_200_000,
                    "customer_id": "fp1",
                    "amount": 10.99,
                    "currency": "USD",
                    "country": "US",
                },
                {"customer_id": "cus_1", "amount": 500, "currency": "JPY", "status": "declined"},
            ],
        ),
        (
            "adyen",
            [
                {
                    "event_id": "P1",
                    "event_time": 1_767_603_600_000,
                    "customer_id": "s1",
                    "amount": 11.3,
                    "status": "approved",
                }
            ],
        ),
        (
            "debezium",
            [
                {
                    "event_time": 1_767_607_200_123,
                    "amount": 12.5,
                    "currency": "CNY",
                    "status": "approved",
                }
            ],
        ),
        (
            "complaints",
            [
                {
                    "event_time": 1_767_589_200_000,
                    "complaint_id": "11111",
                    "customer_id": "100XX",
                    "channel": "app",
                    "product": "debt_collection",
                    "text": "I paid.\n\nThey call.",
                }
            ],
        ),
        (
            "cards",
            [{"event_time": 1_767_571_231_000, "customer_id": "C596", "amount": 57.16}],
        ),
        (
            "narratives",
            [{"customer_id": "writer-7", "text": "I, too,\nwas charged"}],
        ),
        (
            "sshd",
            [
                {"event_time": 1_767_578_400_500, "success": False, "ip": "2001:db8::7"},
                {"event_time": 1_767_578_401_000, "success": True, "method": "publickey"},
            ],
        ),
    ],
    ids=lambda value: value if value in mapping.shipped() else "",
)
def test_a_shipped_mapping_reads_its_source(name: str, expected: list[dict[str, object]]) -> None:
    """Each row that counts is an event that ingest takes, with the right values."""
    (path,) = SOURCES.glob(f"{name}.*")
    source = open_source(str(path), mapping.read(name))
    lines = [line for block in source.blocks() for line in block.values]
    spec = mapping.read(name)
    assert source.drain_refused() == []
    assert len(lines) == len(expected)
    for line, wanted in zip(lines, expected, strict=True):
        READERS[spec.stream](line)
        found = msgspec.json.decode(line)
        assert {key: found.get(key) for key in wanted} == wanted


def test_every_shipped_mapping_is_tried() -> None:
    """None is shipped that no test reads."""
    tried = test_a_shipped_mapping_reads_its_source.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert sorted(case[0] for case in tried) == mapping.shipped()
